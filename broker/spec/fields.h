/*
 * Sets the fields of a struct from JSON or text, by the tables of proto/spec.def and list.def:
 * kinds, ranges, names of enums, limits. Text is converted to the field's kind. An error's message
 * names the parameter's path and its range. Pure.
 */
#ifndef FM_BROKER_SPEC_FIELDS_H
#define FM_BROKER_SPEC_FIELDS_H

#include "common/error.h"
#include "common/json.h"
#include "common/memory.h"
#include "proto/pack.h"

#define FM_FIELDS_PATH 64 /* bytes of a parameter's path, with its end; longer paths are cut */

/* Sets one field of the struct `out`; null leaves it unchanged. `path` is its name in errors
 * ("outputs[0].video.width"). New memory lives in the arena. */
bool fm_fields_set_json(const struct fm_field *field, const struct fm_json *value, const char *path,
                        struct fm_arena *arena, void *out, struct fm_error *err) FM_MUST_CHECK;
/* The same from a query or a form; records and lists are given as JSON text. */
bool fm_fields_set_text(const struct fm_field *field, const char *value, const char *path,
                        struct fm_arena *arena, void *out, struct fm_error *err) FM_MUST_CHECK;
/* Fails with UNKNOWN_PARAMETER, and suggests the nearest of the names. */
bool fm_fields_unknown(const char *path, const char *name, const char *const *names, size_t count,
                       struct fm_error *err);
/* True if both structs hold the same value in this field. Texts are compared by content, records
 * and lists by address: two of them are equal only if they are the same memory. */
bool fm_fields_equal(const struct fm_field *field, const void *a, const void *b);
/* True if 0 is accepted as "no preference" although the field's least value is more than 0. */
bool fm_fields_takes_zero(const struct fm_field *field);
/* The field's size within its struct, in bytes. */
size_t fm_fields_size(const struct fm_field *field);

#endif
