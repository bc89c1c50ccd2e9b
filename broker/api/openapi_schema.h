/* Of openapi.c: components/schemas, and the schemas of parameters. */
#ifndef FM_BROKER_API_OPENAPI_SCHEMA_H
#define FM_BROKER_API_OPENAPI_SCHEMA_H

#include "common/json.h"
#include "proto/pack.h"

/* The whole "schemas" member. */
void fm_openapi_schema_write(struct fm_json_writer *json);
/* `name`: {"$ref": …} to one of them. */
void fm_openapi_schema_ref(struct fm_json_writer *json, const char *name, const char *schema);
/* `name`: the schema of a table's row. */
void fm_openapi_schema_field(struct fm_json_writer *json, const char *name,
                             const struct fm_field *field);
/* `name`: the schema of wait=. */
void fm_openapi_schema_wait(struct fm_json_writer *json, const char *name);

#endif
