/*
 * OpenAPI 3.1 out of route.def, spec.def, list.def and error.def: what the code refuses and what
 * this says come from the same rows.
 */
#include "broker/api/openapi.h"

#include <stdio.h>
#include <string.h>

#include "broker/api/list_filter.h"
#include "broker/api/openapi_schema.h"
#include "broker/api/routes.h"
#include "broker/db/reader.h"
#include "common/error.h"
#include "common/json.h"
#include "common/scope.h"

/* ---- paths: route.def ---- */

static void put_type(struct fm_json_writer *json, const char *key, const char *type)
{
    fm_json_open(json, key, '{');
    fm_json_put_text(json, "type", type);
    fm_json_close(json, '}');
}

static void put_path_parameters(struct fm_json_writer *json, const char *pattern)
{
    for (const char *at = strchr(pattern, '{'); at != NULL; at = strchr(at + 1, '{')) {
        char name[32];
        snprintf(name, sizeof(name), "%.*s", (int)strcspn(at + 1, "}"), at + 1);
        fm_json_open(json, NULL, '{');
        fm_json_put_text(json, "name", name);
        fm_json_put_text(json, "in", "path");
        fm_json_put_bool(json, "required", true);
        put_type(json, "schema", "string");
        fm_json_close(json, '}');
    }
}

static void open_query_parameter(struct fm_json_writer *json, const char *name, const char *prose)
{
    fm_json_open(json, NULL, '{');
    fm_json_put_text(json, "name", name);
    fm_json_put_text(json, "in", "query");
    if (prose != NULL) {
        fm_json_put_text(json, "description", prose);
    }
}

static void put_record_parameters(struct fm_json_writer *json, const struct fm_record *record)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const struct fm_field *field = &record->fields[i];
        open_query_parameter(json, field->name, field->prose);
        fm_openapi_schema_field(json, "schema", field);
        fm_json_close(json, '}');
    }
}

static bool lists_jobs(const struct fm_route *route)
{
    return strstr(route->pattern, "jobs") != NULL;
}

/* metadata[k]=v */
static void put_metadata_parameter(struct fm_json_writer *json)
{
    open_query_parameter(json, "metadata", "Only jobs whose metadata has these");
    fm_json_put_text(json, "style", "deepObject");
    fm_json_put_bool(json, "explode", true);
    fm_json_open(json, "schema", '{');
    fm_json_put_text(json, "type", "object");
    put_type(json, "additionalProperties", "string");
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

static void put_parameters(struct fm_json_writer *json, const struct fm_route *route)
{
    fm_json_open(json, "parameters", '[');
    put_path_parameters(json, route->pattern);
    if ((route->flags & FM_ROUTE_SPEC) != 0) {
        open_query_parameter(json, "url", "Every plain member of the body may stand here");
        put_type(json, "schema", "string");
        fm_json_close(json, '}');
    }
    if ((route->flags & FM_ROUTE_WAITS) != 0) {
        open_query_parameter(json, "wait", NULL);
        fm_openapi_schema_wait(json, "schema");
        fm_json_close(json, '}');
        open_query_parameter(json, "download", "A finished job is answered by its first output");
        put_type(json, "schema", "boolean");
        fm_json_close(json, '}');
    }
    if ((route->flags & FM_ROUTE_LIST) != 0) {
        put_record_parameters(json,
                              lists_jobs(route) ? &fm_record_job_query : &fm_record_page_query);
    }
    if ((route->flags & FM_ROUTE_LIST) != 0 && lists_jobs(route)) {
        put_metadata_parameter(json);
    }
    fm_json_close(json, ']');
}

static void put_content(struct fm_json_writer *json, const char *schema)
{
    fm_json_open(json, "content", '{');
    fm_json_open(json, "application/json", '{');
    fm_openapi_schema_ref(json, "schema", schema);
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

/* Many lines are a body of their own type, each line a member of NewBatch's jobs. */
static void put_batch_body(struct fm_json_writer *json)
{
    fm_json_open(json, "requestBody", '{');
    fm_json_open(json, "content", '{');
    fm_json_open(json, "application/json", '{');
    fm_openapi_schema_ref(json, "schema", "NewBatch");
    fm_json_close(json, '}');
    fm_json_open(json, "application/x-ndjson", '{');
    fm_json_open(json, "schema", '{');
    fm_json_put_text(json, "type", "string");
    fm_json_put_text(json, "description", "A job a line, at most 100000 lines of 64 KiB");
    fm_json_close(json, '}');
    fm_json_close(json, '}');
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

static bool makes_batch(const struct fm_route *route)
{
    return (route->flags & FM_ROUTE_BATCH) != 0 && (route->flags & FM_ROUTE_STREAM) != 0;
}

static bool gives_file(const struct fm_route *route)
{
    return strcmp(route->name, "job_output") == 0 || strcmp(route->name, "file") == 0;
}

static void put_file_response(struct fm_json_writer *json, const char *status, const char *prose)
{
    fm_json_open(json, status, '{');
    fm_json_put_text(json, "description", prose);
    fm_json_open(json, "content", '{');
    fm_json_open(json, "*/*", '{');
    fm_json_close(json, '}');
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

static void put_file_responses(struct fm_json_writer *json)
{
    put_file_response(json, "200", "The file");
    put_file_response(json, "206", "With Range: that part of it");
    put_response(json, "304", "With If-None-Match: it is the one the client has", NULL);
}

/* What 200 is, and by which schema. */
static void put_success(struct fm_json_writer *json, const struct fm_route *route)
{
    if (makes_batch(route)) {
        put_response(json, "202", "The batch is kept, and its jobs wait", "Batch");
    } else if ((route->flags & FM_ROUTE_BATCH) != 0) {
        put_response(json, "200", "The batch", "Batch");
    } else if ((route->flags & FM_ROUTE_LIST) != 0) {
        put_response(json, "200", "A page", lists_jobs(route) ? "JobList" : "BatchList");
    } else if (strcmp(route->method, "DELETE") == 0) {
        put_response(json, "200", "It is gone", "Deleted");
    } else if ((route->flags & (FM_ROUTE_SPEC | FM_ROUTE_JOB)) != 0) {
        put_response(json, "200", "The job", "Job");
    } else if (strcmp(route->name, "me") == 0) {
        put_response(json, "200", "The account, its key and limits", "Me");
    } else {
        put_response(json, "200", "As asked",
                     strcmp(route->name, "openapi") == 0 ? NULL : "Status");
    }
}

static void put_responses(struct fm_json_writer *json, const struct fm_route *route)
{
    bool waits = (route->flags & FM_ROUTE_WAITS) != 0;
    fm_json_open(json, "responses", '{');
    if (gives_file(route)) {
        put_file_responses(json);
    } else {
        put_success(json, route);
    }
    if (waits) {
        bool makes = strcmp(route->method, "POST") == 0;
        put_response(json, makes ? "202" : "304",
                     makes ? "The job is kept and waits"
                           : "With If-None-Match: it is as the client knows it",
                     makes ? "Job" : NULL);
        put_response(json, "303", "With download: where its first output is", NULL);
    }
    put_response(json, "default", "An error", "Error");
    fm_json_close(json, '}');
}

static void put_security(struct fm_json_writer *json, const struct fm_route *route)
{
    fm_json_open(json, "security", '[');
    if ((route->flags & FM_ROUTE_PUBLIC) == 0) {
        static const char *const schemes[] = {"key", "key_header"};
        for (size_t i = 0; i < FM_COUNT(schemes); i++) {
            fm_json_open(json, NULL, '{');
            fm_json_open(json, schemes[i], '[');
            fm_json_close(json, ']');
            fm_json_close(json, '}');
        }
    }
    fm_json_close(json, ']');
    if (route->scope != 0) {
        fm_json_put_text(json, "x-scope", fm_scope_name(route->scope));
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
    if (makes_batch(route)) {
        put_batch_body(json);
    }
    put_responses(json, route);
    fm_json_close(json, '}');
}

static bool is_first_of_path(size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(fm_routes.rows[i].pattern, fm_routes.rows[index].pattern) == 0) {
            return false;
        }
    }
    return true;
}

/* A path's operations stand together. */
static void put_path(struct fm_json_writer *json, const char *pattern)
{
    fm_json_open(json, pattern, '{');
    for (size_t i = 0; i < fm_routes.count; i++) {
        if (strcmp(fm_routes.rows[i].pattern, pattern) == 0) {
            put_operation(json, &fm_routes.rows[i]);
        }
    }
    fm_json_close(json, '}');
}

static void put_paths(struct fm_json_writer *json)
{
    fm_json_open(json, "paths", '{');
    for (size_t i = 0; i < fm_routes.count; i++) {
        if ((fm_routes.rows[i].flags & FM_ROUTE_HIDDEN) == 0 && is_first_of_path(i)) {
            put_path(json, fm_routes.rows[i].pattern);
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
    fm_json_open(json, "key_header", '{');
    fm_json_put_text(json, "type", "apiKey");
    fm_json_put_text(json, "in", "header");
    fm_json_put_text(json, "name", "X-API-Key");
    fm_json_close(json, '}');
    fm_json_close(json, '}');
    fm_openapi_schema_write(json);
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
