/* HTTP ranges (RFC 9110 §14): one range of bytes, or the whole. Pure. */
#ifndef FM_BROKER_HTTP_RANGE_H
#define FM_BROKER_HTTP_RANGE_H

#include <stdbool.h>
#include <stdint.h>

enum fm_range {
    FM_RANGE_WHOLE,         /* no range, several, or not understood: 200 */
    FM_RANGE_PART,          /* 206 */
    FM_RANGE_UNSATISFIABLE, /* 416 */
};

/* `header` may be NULL. */
enum fm_range fm_range_parse(const char *header, int64_t size_bytes, int64_t *offset,
                             int64_t *length);
/* True if the entity tag is in the list ("*" is any); weak comparison (RFC 9110 §13.1.2). */
bool fm_range_tag_matches(const char *list, const char *tag);

#endif
