/*
 * JSON and text → structs, by the tables of proto/spec.def: kinds, ranges, names of enums, limits.
 * Text is coerced to what the field wants; a message names the parameter's path and its range.
 * Pure.
 */
#ifndef FM_BROKER_SPEC_FIELDS_H
#define FM_BROKER_SPEC_FIELDS_H

#include "common/error.h"
#include "common/json.h"
#include "common/memory.h"
#include "proto/pack.h"

#define FM_FIELDS_PATH 64

/* Sets one field of the struct `out`. `path` names it ("outputs[0].video.width"). */
bool fm_fields_set_json(const struct fm_field *field, const struct fm_json *value, const char *path,
                        struct fm_arena *arena, void *out, struct fm_error *err) FM_MUST_CHECK;
/* The same from a query or a form; records and lists as JSON text. */
bool fm_fields_set_text(const struct fm_field *field, const char *value, const char *path,
                        struct fm_arena *arena, void *out, struct fm_error *err) FM_MUST_CHECK;
/* UNKNOWN_PARAMETER with the nearest of the names. */
bool fm_fields_unknown(const char *path, const char *name, const char *const *names, size_t count,
                       struct fm_error *err);
/* Both structs hold the same value there. */
bool fm_fields_equal(const struct fm_field *field, const void *a, const void *b);
/* True where 0 stands for no wish, and the least that can be asked is more. */
bool fm_fields_takes_zero(const struct fm_field *field);
/* Bytes of the field within its struct. */
size_t fm_fields_size(const struct fm_field *field);

#endif
