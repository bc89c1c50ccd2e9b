/*
 * Writes the JSON Schemas of requests for openapi.c: of the fields of records (proto/pack.h), and
 * of the components that rows of route.def name as their `body`. Pure.
 */
#ifndef FM_BROKER_API_OPENAPI_SCHEMA_H
#define FM_BROKER_API_OPENAPI_SCHEMA_H

#include "common/json.h"
#include "proto/pack.h"

/* Writes "name": the schema of a record's field. */
void fm_openapi_schema_field(struct fm_json_writer *json, const char *name,
                             const struct fm_field *field);
/* True if the field is an object of texts, which a query gives as NAME[KEY]=VALUE. */
bool fm_openapi_schema_is_pairs(const struct fm_field *field);
/* Writes the components of all bodies, each as "NAME": schema. */
void fm_openapi_schema_bodies(struct fm_json_writer *json);

/* ---- for openapi_reply.c and openapi_error.c as well ---- */

/* Writes "name": {"$ref": …} to a component. */
void fm_openapi_schema_ref(struct fm_json_writer *json, const char *name, const char *component);
/* Writes "enum": the names of a NULL-terminated list, except "". `or_null` adds null. */
void fm_openapi_schema_names(struct fm_json_writer *json, const char *const *names, bool or_null);
/* Writes "examples": [example], or nothing for NULL. Unless `is_text`, the example is JSON. */
void fm_openapi_schema_example(struct fm_json_writer *json, const char *example, bool is_text);

#endif
