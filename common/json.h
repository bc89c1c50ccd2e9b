/*
 * JSON: strict reading (jansson: no duplicates, no trailing bytes, valid UTF-8, depth ≤ 16) and a
 * writer that appends to a text. Nodes are borrowed from the document that parsed them.
 */
#ifndef FM_COMMON_JSON_H
#define FM_COMMON_JSON_H

#include "common/error.h"
#include "common/text.h"

struct fm_json; /* one value */

enum fm_json_kind {
    FM_JSON_NULL,
    FM_JSON_BOOL,
    FM_JSON_INTEGER,
    FM_JSON_REAL,
    FM_JSON_TEXT,
    FM_JSON_OBJECT,
    FM_JSON_ARRAY,
};

/* INVALID_JSON, its message naming line and column. The root is destroyed by fm_json_destroy. */
bool fm_json_parse(struct fm_slice bytes, struct fm_json **root,
                   struct fm_error *err) FM_MUST_CHECK;
void fm_json_destroy(struct fm_json **root);

enum fm_json_kind fm_json_kind(const struct fm_json *value);
/* NULL when missing or not an object. */
const struct fm_json *fm_json_get(const struct fm_json *object, const char *name);
size_t fm_json_count(const struct fm_json *array_or_object);
const struct fm_json *fm_json_at(const struct fm_json *array, size_t index);
/* Walks an object: `for (void *i = fm_json_first(o); i; i = fm_json_next(o, i))`. */
void *fm_json_first(const struct fm_json *object);
void *fm_json_next(const struct fm_json *object, void *iterator);
const char *fm_json_name(void *iterator);
const struct fm_json *fm_json_value(void *iterator);
/* Of the matching kind only; else "" / 0 / false. Numbers: either kind for _double. */
const char *fm_json_text(const struct fm_json *value);
int64_t fm_json_integer(const struct fm_json *value);
double fm_json_double(const struct fm_json *value);
bool fm_json_bool(const struct fm_json *value);

/* The writer puts commas itself. `name` is NULL inside arrays and at the top. */
struct fm_json_writer {
    struct fm_text *out;
    bool needs_comma;
};
void fm_json_open(struct fm_json_writer *writer, const char *name, char bracket); /* '{' or '[' */
void fm_json_close(struct fm_json_writer *writer, char bracket);                  /* '}' or ']' */
/* A NULL text writes null. Invalid UTF-8 is replaced by U+FFFD. */
void fm_json_put_text(struct fm_json_writer *writer, const char *name, const char *value);
void fm_json_put_integer(struct fm_json_writer *writer, const char *name, int64_t value);
/* Shortest form with at most 3 decimals; not finite writes null. */
void fm_json_put_double(struct fm_json_writer *writer, const char *name, double value);
void fm_json_put_bool(struct fm_json_writer *writer, const char *name, bool value);
void fm_json_put_null(struct fm_json_writer *writer, const char *name);
/* RFC 3339 of microseconds; 0 writes null. */
void fm_json_put_time(struct fm_json_writer *writer, const char *name, int64_t wall_us);
/* Already JSON. */
void fm_json_put_raw(struct fm_json_writer *writer, const char *name, struct fm_slice json);

#endif
