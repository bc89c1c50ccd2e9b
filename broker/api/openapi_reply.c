/* Writes the schemas of replies: see openapi_reply.h. */
#include "broker/api/openapi_reply.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "broker/api/openapi_schema.h"
#include "broker/request/envelope.h"

/* ---- a member ---- */

static const char *type_of(enum fm_reply_kind kind)
{
    static const char *const types[] = {
        [FM_REPLY_KIND_CONST] = "string",  [FM_REPLY_KIND_ID] = "string",
        [FM_REPLY_KIND_TEXT] = "string",   [FM_REPLY_KIND_NAME] = "string",
        [FM_REPLY_KIND_TIME] = "string",   [FM_REPLY_KIND_INTEGER] = "integer",
        [FM_REPLY_KIND_REAL] = "number",   [FM_REPLY_KIND_BOOL] = "boolean",
        [FM_REPLY_KIND_OBJECT] = "object", [FM_REPLY_KIND_LIST] = "array",
        [FM_REPLY_KIND_TEXTS] = "array",   [FM_REPLY_KIND_PAIRS] = "object",
        [FM_REPLY_KIND_ROWS] = "array",
    };
    return types[kind];
}

static void put_type(struct fm_json_writer *json, const struct fm_reply_field *field)
{
    if (field->presence != FM_REPLY_OR_NULL) {
        fm_json_put_text(json, "type", type_of(field->kind));
        return;
    }
    fm_json_open(json, "type", '[');
    fm_json_put_text(json, NULL, type_of(field->kind));
    fm_json_put_text(json, NULL, "null");
    fm_json_close(json, ']');
}

static void put_id(struct fm_json_writer *json, const struct fm_reply_field *field)
{
    struct fm_id example = {0};
    char text[FM_ID_TEXT_SIZE];
    (void)fm_id_parse(FM_ID_JOB, "job_01jdf3k9q2x8v7m5t4s6r0n1ab", &example);
    fm_id_format(field->id, &example, text);
    fm_openapi_schema_example(json, text, true);
}

static void put_time(struct fm_json_writer *json)
{
    fm_json_put_text(json, "format", "date-time");
    fm_openapi_schema_example(json, "2030-01-31T12:00:00.000Z", true);
}

static void put_record(struct fm_json_writer *json, const struct fm_reply_record *record,
                       const char *row);

/* `name` is "items" or "additionalProperties". */
static void put_texts(struct fm_json_writer *json, const char *name, const char *example)
{
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "type", "string");
    fm_json_close(json, '}');
    fm_openapi_schema_example(json, example, false);
}

static void put_items(struct fm_json_writer *json, const struct fm_reply_record *record)
{
    fm_json_open(json, "items", '{');
    fm_json_put_text(json, "type", "object");
    put_record(json, record, NULL);
    fm_json_close(json, '}');
}

/* `row` is the component of the objects in a ROWS member. */
static void put_member(struct fm_json_writer *json, const struct fm_reply_field *field,
                       const char *row)
{
    bool or_null = field->presence == FM_REPLY_OR_NULL;
    fm_json_open(json, field->name, '{');
    fm_json_put_text(json, "description", field->prose);
    put_type(json, field);
    switch (field->kind) {
    case FM_REPLY_KIND_CONST:
        fm_json_put_text(json, "const", field->example);
        break;
    case FM_REPLY_KIND_ID:
        put_id(json, field);
        break;
    case FM_REPLY_KIND_NAME:
        fm_openapi_schema_names(json, field->names, or_null);
        break;
    case FM_REPLY_KIND_TIME:
        put_time(json);
        break;
    case FM_REPLY_KIND_OBJECT:
        put_record(json, field->record, NULL);
        break;
    case FM_REPLY_KIND_LIST:
        put_items(json, field->record);
        break;
    case FM_REPLY_KIND_TEXTS:
        put_texts(json, "items", field->example);
        break;
    case FM_REPLY_KIND_PAIRS:
        put_texts(json, "additionalProperties", field->example);
        break;
    case FM_REPLY_KIND_ROWS:
        fm_openapi_schema_ref(json, "items", row);
        break;
    default:
        fm_openapi_schema_example(json, field->example, field->kind == FM_REPLY_KIND_TEXT);
        break;
    }
    fm_json_close(json, '}');
}

static void put_record(struct fm_json_writer *json, const struct fm_reply_record *record,
                       const char *row)
{
    fm_json_open(json, "properties", '{');
    for (size_t i = 0; i < record->field_count; i++) {
        put_member(json, &record->fields[i], row);
    }
    fm_json_close(json, '}');
    fm_json_open(json, "required", '[');
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].presence != FM_REPLY_OR_ABSENT) {
            fm_json_put_text(json, NULL, record->fields[i].name);
        }
    }
    fm_json_close(json, ']');
}

/* ---- components ---- */

/* job_input → JobInput */
static void name_component(const struct fm_reply_record *record, const char *behind,
                           char out[FM_OPENAPI_REPLY_SIZE])
{
    size_t length = 0;
    bool is_first = true;
    for (const char *at = record->name; *at != '\0' && length + 1 < FM_OPENAPI_REPLY_SIZE; at++) {
        if (*at != '_') {
            out[length++] = (char)(is_first ? toupper((unsigned char)*at) : *at);
        }
        is_first = *at == '_';
    }
    snprintf(out + length, FM_OPENAPI_REPLY_SIZE - length, "%s", behind);
}

static bool is_list(const struct fm_route *route)
{
    return (route->flags & FM_ROUTE_LIST) != 0;
}

void fm_openapi_reply_name(const struct fm_route *route, char out[FM_OPENAPI_REPLY_SIZE])
{
    name_component(route->reply, is_list(route) ? "List" : "", out);
}

static void put_component(struct fm_json_writer *json, const char *name,
                          const struct fm_reply_record *record, const char *row)
{
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "description", record->prose);
    fm_json_put_text(json, "type", "object");
    put_record(json, record, row);
    fm_json_close(json, '}');
}

/* True if an earlier route has the same reply, or with `list` the same page, so that its component
 * is already written. */
static bool is_put(const struct fm_route_table *routes, size_t index, bool list)
{
    for (size_t i = 0; i < index; i++) {
        const struct fm_route *route = &routes->rows[i];
        if (route->reply == routes->rows[index].reply && (!list || is_list(route))) {
            return true;
        }
    }
    return false;
}

void fm_openapi_reply_components(struct fm_json_writer *json, const struct fm_route_table *routes)
{
    char name[FM_OPENAPI_REPLY_SIZE], list[FM_OPENAPI_REPLY_SIZE];
    for (size_t i = 0; i < routes->count; i++) {
        const struct fm_route *route = &routes->rows[i];
        if (route->reply == NULL) {
            continue;
        }
        name_component(route->reply, "", name);
        if (!is_put(routes, i, false)) {
            put_component(json, name, route->reply, NULL);
        }
        if (is_list(route) && !is_put(routes, i, true)) {
            fm_openapi_reply_name(route, list);
            put_component(json, list, &fm_reply_record_list, name);
        }
    }
    put_component(json, "Error", &fm_reply_record_error, NULL);
}
