/*
 * Text that grows, borrowed slices, and numbers read from text. Nothing here depends on the locale.
 * Allocation failure aborts (memory.h).
 * Threads: any; a text belongs to one thread at a time.
 */
#ifndef FM_COMMON_TEXT_H
#define FM_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes, valid as long as their owner; not NUL-terminated. */
struct fm_slice {
    const char *data;
    size_t length;
};

/* Owned text; starts as `struct fm_text t = {0};`. NUL-terminated once something was appended;
 * before that `data` is NULL, so read it by fm_text_get. The bytes may hold NULs: `length` counts.
 */
struct fm_text {
    char *data;
    size_t length;
    size_t capacity; /* allocated bytes */
};

/* Appending may move the text: earlier pointers and slices into it are invalid afterwards, and none
 * may be the source. */
void fm_text_append(struct fm_text *text, const char *more);
void fm_text_append_bytes(struct fm_text *text, const void *bytes, size_t length);
void fm_text_append_char(struct fm_text *text, char c);
void fm_text_format(struct fm_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Empties the text and keeps its memory. */
void fm_text_clear(struct fm_text *text);
/* Frees and zeroes; may be called again. */
void fm_text_done(struct fm_text *text);
/* The text, or "" when nothing was appended yet; valid until the next append. */
const char *fm_text_get(const struct fm_text *text);
/* Hands the string (malloc'ed, never NULL) to the caller and leaves the text empty. */
char *fm_text_take(struct fm_text *text);

/* A slice of a whole string; NULL gives an empty slice. */
struct fm_slice fm_slice_of(const char *text);
bool fm_slice_equals(struct fm_slice slice, const char *text);
/* True if the texts differ at most in the case of ASCII letters. */
bool fm_text_equals_fold(const char *a, const char *b);
bool fm_text_starts(const char *text, const char *prefix);

/* Reads a number in [min, max]. The whole text must be decimal digits (for _i64 with one '-' before
 * them): no blank, no '+'. Else false, with *out untouched. */
bool fm_text_to_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out);
bool fm_text_to_i64(const char *text, int64_t min, int64_t max, int64_t *out);
/* Reads a finite decimal number, with '.' as its point; an exponent is allowed. False as above. */
bool fm_text_to_double(const char *text, double *out);

/* The Levenshtein distance of two names, for "did you mean"; limit + 1 if it is above `limit` or a
 * name has more than 64 bytes. */
size_t fm_text_distance(const char *a, const char *b, size_t limit);
/* The nearest of `count` names within distance 3, the first of several; NULL if there is none. */
const char *fm_text_nearest(const char *name, const char *const *names, size_t count);

#endif
