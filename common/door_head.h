/*
 * What an answer says before its body, read line by line: the part of the door that trusts nothing
 * and needs no library. Part of door.c.
 */
#ifndef FM_COMMON_DOOR_HEAD_H
#define FM_COMMON_DOOR_HEAD_H

#include "common/door.h"

#define FM_DOOR_HEAD_LIMIT ((size_t)64 * 1024)

struct fm_door_head {
    struct fm_door_answer answer;
    struct fm_text location;
    size_t size_bytes; /* of all lines, those of 1xx answers too */
    bool is_complete;
    bool is_refused; /* lengths that contradict each other, or too many bytes */
    bool is_chunked;
    bool is_encoded;         /* the body's bytes are not the ones announced */
    int64_t announced_bytes; /* Content-Length; -1 when not told, or chunked */
};

/* `path` is the URL's, for a name when the answer has none. */
void fm_door_head_init(struct fm_door_head *head, const char *path);
/* One line, with its line end. What follows the end of the final head (trailers) is ignored. */
void fm_door_head_take(struct fm_door_head *head, const char *line, size_t length);
/* A status of RFC 9110 §15.4 that points elsewhere, and says where. */
bool fm_door_head_is_redirect(const struct fm_door_head *head);
/* What a status outside 200–299 means for the source. */
enum fm_error_code fm_door_head_code(const struct fm_door_head *head);
void fm_door_head_done(struct fm_door_head *head);

#endif
