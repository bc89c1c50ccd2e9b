/*
 * OpenAPI 3.1 out of route.def, spec.def and error.def: what the code refuses and what this says
 * come from the same rows. The job object alone is described here, beside job.c which writes it.
 */
#include "broker/openapi.h"

#include <stdio.h>
#include <string.h>

#include "broker/reader.h"
#include "broker/route.h"
#include "broker/validate.h"
#include "common/error.h"
#include "common/json.h"
#include "common/state.h"

/* ---- small schemas ---- */

static void put_type(struct fm_json_writer *json, const char *type, bool may_be_null)
{
    if (!may_be_null) {
        fm_json_put_text(json, "type", type);
        return;
    }
    fm_json_open(json, "type", '[');
    fm_json_put_text(json, NULL, type);
    fm_json_put_text(json, NULL, "null");
    fm_json_close(json, ']');
}

static void put_ref(struct fm_json_writer *json, const char *name, const char *schema)
{
    char ref[96];
    snprintf(ref, sizeof(ref), "#/components/schemas/%s", schema);
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "$ref", ref);
    fm_json_close(json, '}');
}

static void put_names(struct fm_json_writer *json, const char *const *names)
{
    fm_json_open(json, "enum", '[');
    for (size_t i = 0; names[i] != NULL; i++) {
        fm_json_put_text(json, NULL, names[i]);
    }
    fm_json_close(json, ']');
}

/* ---- requests: spec.def ---- */

static void put_record(struct fm_json_writer *json, const char *name,
                       const struct fm_record *record);

static void put_range(struct fm_json_writer *json, const struct fm_field *field)
{
    fm_json_put_text(json, "type", field->kind == FM_FIELD_REAL ? "number" : "integer");
    fm_json_put_double(json, "minimum", field->min);
    if (field->max >= 0) {
        fm_json_put_double(json, "maximum", field->max);
    }
    fm_json_put_double(json, "default", field->standard);
}

static bool is_pairs(const struct fm_field *field)
{
    return field->record->field_count == 2 && strcmp(field->record->fields[1].name, "value") == 0;
}

static void put_list(struct fm_json_writer *json, const struct fm_field *field)
{
    if (is_pairs(field)) {
        fm_json_put_text(json, "type", "object");
        fm_json_put_double(json, "maxProperties", field->max);
        fm_json_open(json, "additionalProperties", '{');
        fm_json_put_text(json, "type", "string");
        fm_json_put_double(json, "maxLength", field->record->fields[1].max);
        fm_json_close(json, '}');
        return;
    }
    fm_json_put_text(json, "type", "array");
    fm_json_put_double(json, "maxItems", field->max);
    put_record(json, "items", field->record);
}

static void put_field(struct fm_json_writer *json, const struct fm_field *field)
{
    if (field->kind == FM_FIELD_RECORD) {
        put_record(json, field->name, field->record);
        return;
    }
    fm_json_open(json, field->name, '{');
    fm_json_put_text(json, "description", field->prose);
    switch (field->kind) {
    case FM_FIELD_NUMBER:
    case FM_FIELD_SIGNED:
    case FM_FIELD_REAL:
        put_range(json, field);
        break;
    case FM_FIELD_BOOL:
        fm_json_put_text(json, "type", "boolean");
        break;
    case FM_FIELD_ENUM:
        fm_json_put_text(json, "type", "string");
        put_names(json, field->names);
        fm_json_put_text(json, "default", field->names[(size_t)field->standard]);
        break;
    case FM_FIELD_LIST:
        put_list(json, field);
        break;
    default:
        fm_json_put_text(json, "type", "string");
        fm_json_put_double(json, "maxLength", field->max);
        break;
    }
    fm_json_close(json, '}');
}

static void put_record(struct fm_json_writer *json, const char *name,
                       const struct fm_record *record)
{
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "type", "object");
    fm_json_put_bool(json, "additionalProperties", false);
    fm_json_open(json, "properties", '{');
    for (size_t i = 0; i < record->field_count; i++) {
        put_field(json, &record->fields[i]);
    }
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

static void put_time_member(struct fm_json_writer *json, const char *name, const char *prose)
{
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "type", "string");
    fm_json_put_text(json, "format", "date-time");
    fm_json_put_text(json, "description", prose);
    fm_json_close(json, '}');
}

static void put_wait_member(struct fm_json_writer *json, const char *name)
{
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "type", "integer");
    fm_json_put_integer(json, "minimum", 0);
    fm_json_put_integer(json, "maximum", FM_VALIDATE_WAIT_SECONDS);
    fm_json_close(json, '}');
}

static void put_source_member(struct fm_json_writer *json)
{
    fm_json_open(json, "source", '{');
    fm_json_put_text(json, "type", "object");
    fm_json_put_bool(json, "additionalProperties", false);
    fm_json_open(json, "properties", '{');
    put_field(json, fm_pack_field(&fm_record_spec, "url"));
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

/* The body of a POST: the spec but for what the path or the server sets. */
static void put_spec(struct fm_json_writer *json, const char *name, bool is_process)
{
    static const char *const hidden = "type site run_at_ms";
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "type", "object");
    fm_json_put_bool(json, "additionalProperties", false);
    fm_json_open(json, "properties", '{');
    if (is_process) {
        put_source_member(json);
    }
    for (size_t i = 0; i < fm_record_spec.field_count; i++) {
        if (strstr(hidden, fm_record_spec.fields[i].name) == NULL) {
            put_field(json, &fm_record_spec.fields[i]);
        }
    }
    put_time_member(json, "run_at", "Not before this time, at most 30 days ahead");
    put_wait_member(json, "wait");
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

/* ---- replies ---- */

/* One member of the job object: name, JSON type, nullable. */
struct member {
    const char *name, *type;
    bool may_be_null;
};

static void put_members(struct fm_json_writer *json, const struct member *members, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        fm_json_open(json, members[i].name, '{');
        put_type(json, members[i].type, members[i].may_be_null);
        fm_json_close(json, '}');
    }
    fm_json_close(json, '}');
    fm_json_open(json, "required", '[');
    for (size_t i = 0; i < count; i++) {
        fm_json_put_text(json, NULL, members[i].name);
    }
    fm_json_close(json, ']');
}

static void open_object(struct fm_json_writer *json, const char *name)
{
    fm_json_open(json, name, '{');
    fm_json_put_text(json, "type", "object");
    fm_json_open(json, "properties", '{');
}

static void put_output_schema(struct fm_json_writer *json)
{
    static const struct member members[] = {
        {"name", "string", false},
        {"url", "string", true},
        {"url_expires_at", "string", true},
        {"content_type", "string", true},
        {"size_bytes", "integer", false},
        {"sha256", "string", true},
        {"duration_seconds", "number", true},
        {"video", "object", true},
        {"audio", "object", true},
    };
    open_object(json, "Output");
    put_members(json, members, FM_COUNT(members));
    fm_json_close(json, '}');
}

static void put_job_schema(struct fm_json_writer *json)
{
    static const struct member members[] = {
        {"id", "string", false},
        {"object", "string", false},
        {"type", "string", false},
        {"done", "boolean", false},
        {"created_at", "string", false},
        {"started_at", "string", true},
        {"completed_at", "string", true},
        {"expires_at", "string", true},
        {"input", "object", false},
        {"progress", "object", false},
        {"queue", "object", false},
        {"attempt", "integer", false},
        {"max_attempts", "integer", false},
        {"priority", "string", false},
        {"node", "string", true},
        {"source", "object", true},
        {"error", "object", true},
        {"metadata", "object", false},
        {"batch", "string", true},
        {"retry_of", "string", true},
        {"webhook_url", "string", true},
        {"urls", "object", false},
    };
    static const char *states[FM_STATE_COUNT + 1];
    for (int i = 0; i < FM_STATE_COUNT; i++) {
        states[i] = fm_state_name((enum fm_state)i);
    }
    open_object(json, "Job");
    fm_json_open(json, "status", '{');
    fm_json_put_text(json, "type", "string");
    put_names(json, states);
    fm_json_close(json, '}');
    fm_json_open(json, "outputs", '{');
    fm_json_put_text(json, "type", "array");
    put_ref(json, "items", "Output");
    fm_json_close(json, '}');
    put_members(json, members, FM_COUNT(members));
    fm_json_close(json, '}');
}

static void put_error_schema(struct fm_json_writer *json)
{
    static const struct member members[] = {{"code", "string", false},
                                            {"message", "string", false}};
    open_object(json, "Error");
    open_object(json, "error");
    put_members(json, members, FM_COUNT(members));
    fm_json_close(json, '}');
    fm_json_close(json, '}');
    fm_json_open(json, "required", '[');
    fm_json_put_text(json, NULL, "error");
    fm_json_close(json, ']');
    fm_json_close(json, '}');
}

/* ---- paths: route.def ---- */

static void put_path_parameters(struct fm_json_writer *json, const char *pattern)
{
    for (const char *at = strchr(pattern, '{'); at != NULL; at = strchr(at + 1, '{')) {
        char name[32];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(at + 1, "}"), at + 1);
        fm_json_open(json, NULL, '{');
        fm_json_put_text(json, "name", name);
        fm_json_put_text(json, "in", "path");
        fm_json_put_bool(json, "required", true);
        fm_json_open(json, "schema", '{');
        fm_json_put_text(json, "type", "string");
        fm_json_close(json, '}');
        fm_json_close(json, '}');
    }
}

static void put_parameters(struct fm_json_writer *json, const struct fm_route *route)
{
    fm_json_open(json, "parameters", '[');
    put_path_parameters(json, route->pattern);
    if ((route->flags & FM_ROUTE_SPEC) != 0) {
        fm_json_open(json, NULL, '{');
        fm_json_put_text(json, "name", "url");
        fm_json_put_text(json, "in", "query");
        fm_json_put_text(json, "description", "Every plain member of the body may stand here");
        fm_json_open(json, "schema", '{');
        fm_json_put_text(json, "type", "string");
        fm_json_close(json, '}');
        fm_json_close(json, '}');
    }
    if ((route->flags & FM_ROUTE_WAITS) != 0) {
        fm_json_open(json, NULL, '{');
        fm_json_put_text(json, "name", "wait");
        fm_json_put_text(json, "in", "query");
        put_wait_member(json, "schema");
        fm_json_close(json, '}');
    }
    fm_json_close(json, ']');
}

static void put_content(struct fm_json_writer *json, const char *schema)
{
    fm_json_open(json, "content", '{');
    fm_json_open(json, "application/json", '{');
    put_ref(json, "schema", schema);
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

static void put_response(struct fm_json_writer *json, const char *status, const char *prose,
                         const char *schema)
{
    fm_json_open(json, status, '{');
    fm_json_put_text(json, "description", prose);
    if (schema != NULL) {
        put_content(json, schema);
    }
    fm_json_close(json, '}');
}

static void put_responses(struct fm_json_writer *json, const struct fm_route *route)
{
    bool is_job = (route->flags & (FM_ROUTE_SPEC | FM_ROUTE_JOB)) != 0 &&
                  strstr(route->pattern, "/outputs/") == NULL;
    fm_json_open(json, "responses", '{');
    put_response(json, "200", is_job ? "The job" : "As asked", is_job ? "Job" : NULL);
    if ((route->flags & FM_ROUTE_SPEC) != 0) {
        put_response(json, "202", "The job is kept and waits", "Job");
    }
    put_response(json, "default", "An error", "Error");
    fm_json_close(json, '}');
}

static void put_security(struct fm_json_writer *json, const struct fm_route *route)
{
    fm_json_open(json, "security", '[');
    if ((route->flags & FM_ROUTE_PUBLIC) == 0) {
        fm_json_open(json, NULL, '{');
        fm_json_open(json, "key", '[');
        fm_json_close(json, ']');
        fm_json_close(json, '}');
    }
    fm_json_close(json, ']');
    if (route->scope != 0) {
        fm_json_put_text(json, "x-scope",
                         route->scope == FM_SCOPE_FETCH ? "video:fetch" : "video:process");
    }
}

static void put_operation(struct fm_json_writer *json, const struct fm_route *route)
{
    char method[8];
    size_t length = strlen(route->method);
    for (size_t i = 0; i <= length && i < sizeof(method); i++) {
        char c = route->method[i];
        method[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    fm_json_open(json, method, '{');
    fm_json_put_text(json, "operationId", route->name);
    fm_json_put_text(json, "summary", route->summary);
    put_security(json, route);
    put_parameters(json, route);
    if ((route->flags & FM_ROUTE_SPEC) != 0) {
        fm_json_open(json, "requestBody", '{');
        put_content(json, route->type == FM_TYPE_PROCESS ? "Process" : "Fetch");
        fm_json_close(json, '}');
    }
    put_responses(json, route);
    fm_json_close(json, '}');
}

static void put_paths(struct fm_json_writer *json)
{
    fm_json_open(json, "paths", '{');
    for (size_t i = 0; i < fm_route_count(); i++) {
        const struct fm_route *route = fm_route_at(i);
        if ((route->flags & FM_ROUTE_HIDDEN) == 0) {
            fm_json_open(json, route->pattern, '{');
            put_operation(json, route);
            fm_json_close(json, '}');
        }
    }
    fm_json_close(json, '}');
}

/* ---- the document ---- */

/* Once each: several rows may share a public code. */
static void put_errors(struct fm_json_writer *json)
{
    static const struct {
        const char *code, *text;
        int status;
    } rows[] = {
#define FM_ERROR(name, wire, http, code, retry, text) {code, text, http},
#include "common/error.def"
#undef FM_ERROR
    };
    fm_json_open(json, "x-errors", '{');
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        bool is_known = false;
        for (size_t k = 0; k < i && !is_known; k++) {
            is_known = strcmp(rows[k].code, rows[i].code) == 0;
        }
        if (!is_known) {
            fm_json_open(json, rows[i].code, '{');
            fm_json_put_integer(json, "status", rows[i].status);
            fm_json_put_text(json, "message", rows[i].text);
            fm_json_close(json, '}');
        }
    }
    fm_json_close(json, '}');
}

static void put_components(struct fm_json_writer *json)
{
    fm_json_open(json, "components", '{');
    fm_json_open(json, "securitySchemes", '{');
    fm_json_open(json, "key", '{');
    fm_json_put_text(json, "type", "http");
    fm_json_put_text(json, "scheme", "bearer");
    fm_json_close(json, '}');
    fm_json_close(json, '}');
    fm_json_open(json, "schemas", '{');
    put_spec(json, "Fetch", false);
    put_spec(json, "Process", true);
    put_job_schema(json);
    put_output_schema(json);
    put_error_schema(json);
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

void fm_openapi_write(const char *base, struct fm_text *out)
{
    struct fm_json_writer json = {.out = out};
    fm_json_open(&json, NULL, '{');
    fm_json_put_text(&json, "openapi", "3.1.0");
    fm_json_open(&json, "info", '{');
    fm_json_put_text(&json, "title", "FetchMedia");
    fm_json_put_text(&json, "version", FM_VERSION);
    fm_json_close(&json, '}');
    fm_json_open(&json, "servers", '[');
    fm_json_open(&json, NULL, '{');
    fm_json_put_text(&json, "url", base);
    fm_json_close(&json, '}');
    fm_json_close(&json, ']');
    put_paths(&json);
    put_components(&json);
    put_errors(&json);
    fm_json_close(&json, '}');
}
