/*
 * JSON: a strict reader (jansson behind it) and a writer that appends to a text. The reader refuses
 * duplicate names, trailing bytes, invalid UTF-8, NUL and more than 16 levels, because clients send
 * what it reads. Values are borrowed from the document that fm_json_parse made.
 * Threads: a document and a writer belong to one thread at a time.
 */
#ifndef FM_COMMON_JSON_H
#define FM_COMMON_JSON_H

#include "common/error.h"
#include "common/text.h"

struct fm_json; /* one value of a document */

enum fm_json_kind {
    FM_JSON_NULL,
    FM_JSON_BOOL,
    FM_JSON_INTEGER,
    FM_JSON_REAL,
    FM_JSON_TEXT,
    FM_JSON_OBJECT,
    FM_JSON_ARRAY,
};

/* Parses one JSON value, with or without a byte order mark. Fails with INVALID_JSON, whose message
 * names line and column. The caller destroys the root with fm_json_destroy. */
bool fm_json_parse(struct fm_slice bytes, struct fm_json **root,
                   struct fm_error *err) FM_MUST_CHECK;
void fm_json_destroy(struct fm_json **root);

/* NULL has the kind FM_JSON_NULL. */
enum fm_json_kind fm_json_kind(const struct fm_json *value);
/* The member of that name; NULL if it is missing or `object` is not an object. */
const struct fm_json *fm_json_get(const struct fm_json *object, const char *name);
/* 0 for any other kind; likewise fm_json_at returns NULL. */
size_t fm_json_count(const struct fm_json *array_or_object);
const struct fm_json *fm_json_at(const struct fm_json *array, size_t index);
/* Walks an object: `for (void *i = fm_json_first(o); i; i = fm_json_next(o, i))`. */
void *fm_json_first(const struct fm_json *object);
void *fm_json_next(const struct fm_json *object, void *iterator);
const char *fm_json_name(void *iterator);
const struct fm_json *fm_json_value(void *iterator);
/* The value, if of the function's kind; else "", 0 or false. fm_json_double takes integers too. */
const char *fm_json_text(const struct fm_json *value);
int64_t fm_json_integer(const struct fm_json *value);
double fm_json_double(const struct fm_json *value);
bool fm_json_bool(const struct fm_json *value);

/* The writer puts the commas itself; matching the brackets is up to the caller. `name` is NULL
 * inside arrays and at the top. */
struct fm_json_writer {
    struct fm_text *out;
    bool needs_comma;
};
void fm_json_open(struct fm_json_writer *writer, const char *name, char bracket); /* '{' or '[' */
void fm_json_close(struct fm_json_writer *writer, char bracket);                  /* '}' or ']' */
/* NULL is written as null. Each byte of invalid UTF-8 becomes U+FFFD. */
void fm_json_put_text(struct fm_json_writer *writer, const char *name, const char *value);
void fm_json_put_integer(struct fm_json_writer *writer, const char *name, int64_t value);
/* Writes at most 3 decimals, without trailing zeros; infinity and NaN are written as null. */
void fm_json_put_double(struct fm_json_writer *writer, const char *name, double value);
void fm_json_put_bool(struct fm_json_writer *writer, const char *name, bool value);
void fm_json_put_null(struct fm_json_writer *writer, const char *name);
/* Writes microseconds since 1970 as RFC 3339; 0 is written as null. */
void fm_json_put_time(struct fm_json_writer *writer, const char *name, int64_t wall_us);
/* Inserts text that is JSON already, unchecked. */
void fm_json_put_raw(struct fm_json_writer *writer, const char *name, struct fm_slice json);

#endif
