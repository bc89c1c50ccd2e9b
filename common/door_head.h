/*
 * Reads an answer's status line and header fields, line by line, into fm_door_answer. Every byte
 * comes from an untrusted server, so this part uses no library and has unit tests of its own. Part
 * of door.c.
 */
#ifndef FM_COMMON_DOOR_HEAD_H
#define FM_COMMON_DOOR_HEAD_H

#include "common/door.h"

#define FM_DOOR_HEAD_LIMIT ((size_t)64 * 1024) /* bytes of all lines of one hop */

struct fm_door_head {
    struct fm_door_answer answer;
    struct fm_text location;
    size_t size_bytes; /* of all lines, those of 1xx answers too */
    bool is_complete;  /* the empty line of the final answer was read */
    bool is_refused; /* the lengths are invalid or contradict each other, or too many bytes came */
    bool is_chunked;
    bool is_encoded;         /* has a Content-Encoding: the decoded length is unknown */
    int64_t announced_bytes; /* Content-Length; -1 when not sent, or chunked */
};

/* `path` is the URL's: its last segment is the file name unless Content-Disposition has one. */
void fm_door_head_init(struct fm_door_head *head, const char *path);
/* Parses one line, with its line end. Lines after the end of the final head (trailers) are ignored.
 * Failure shows in is_refused. */
void fm_door_head_parse_line(struct fm_door_head *head, const char *line, size_t length);
/* True for 301, 302, 303, 307 and 308 (RFC 9110 §15.4) with a Location. */
bool fm_door_head_is_redirect(const struct fm_door_head *head);
/* The error for a status outside 200–299. */
enum fm_error_code fm_door_head_code(const struct fm_door_head *head);
void fm_door_head_done(struct fm_door_head *head);

#endif
