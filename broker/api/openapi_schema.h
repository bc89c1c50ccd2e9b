/*
 * JSON Schema for openapi.c: of what is asked for, from records (proto/pack.h), and the components
 * that rows of route.def name as their `body`. Pure.
 */
#ifndef FM_BROKER_API_OPENAPI_SCHEMA_H
#define FM_BROKER_API_OPENAPI_SCHEMA_H

#include "common/json.h"
#include "proto/pack.h"

/* `name`: the schema of a record's field. */
void fm_openapi_schema_field(struct fm_json_writer *json, const char *name,
                             const struct fm_field *field);
/* True where the field is an object of texts: NAME[KEY]=VALUE in a query. */
bool fm_openapi_schema_is_pairs(const struct fm_field *field);
/* The components of bodies, each as "NAME": schema. */
void fm_openapi_schema_bodies(struct fm_json_writer *json);

/* What openapi_reply.c needs as well. `name`: {"$ref": …} to a component. */
void fm_openapi_schema_ref(struct fm_json_writer *json, const char *name, const char *component);
/* "enum": the names, but for "". `or_null`: and null. */
void fm_openapi_schema_names(struct fm_json_writer *json, const char *const *names, bool or_null);
/* "examples": [example]; nothing for NULL. `is_text`: else it is JSON already. */
void fm_openapi_schema_example(struct fm_json_writer *json, const char *example, bool is_text);

#endif
