/* Growing text, borrowed slices, and numbers out of text. */
#ifndef FM_COMMON_TEXT_H
#define FM_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes; not NUL-terminated. */
struct fm_slice {
    const char *data;
    size_t length;
};

/* Owned, always NUL-terminated once something was appended. `struct fm_text t = {0};` */
struct fm_text {
    char *data;
    size_t length;
    size_t capacity;
};

void fm_text_append(struct fm_text *text, const char *more);
void fm_text_append_bytes(struct fm_text *text, const void *bytes, size_t length);
void fm_text_append_char(struct fm_text *text, char c);
void fm_text_format(struct fm_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Length 0, memory kept. */
void fm_text_clear(struct fm_text *text);
void fm_text_done(struct fm_text *text);
/* The text itself, "" when nothing was appended yet. */
const char *fm_text_get(const struct fm_text *text);
/* Hands the (malloc'ed, never NULL) string on and leaves the text empty. */
char *fm_text_take(struct fm_text *text);

struct fm_slice fm_slice_of(const char *text);
bool fm_slice_equals(struct fm_slice slice, const char *text);
/* Equal but for ASCII case. */
bool fm_text_equals_fold(const char *a, const char *b);
bool fm_text_starts(const char *text, const char *prefix);

/* Whole text, decimal digits alone, within [min, max]; else false and `out` untouched. */
bool fm_text_to_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);
bool fm_text_to_i64(const char *text, int64_t min, int64_t max, int64_t *out);
/* Finite decimal number, '.' as the point whatever the locale. */
bool fm_text_to_double(const char *text, double *out);

/* Levenshtein distance, bounded: above `limit` it answers limit + 1. For "did you mean". */
size_t fm_text_distance(const char *a, const char *b, size_t limit);
/* The nearest of `count` names within distance 3, or NULL. */
const char *fm_text_nearest(const char *name, const char *const *names, size_t count);

#endif
