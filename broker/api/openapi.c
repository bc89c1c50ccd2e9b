/*
 * Writes OpenAPI 3.1 from route.def, spec.def, list.def, reply.def and error.def: the code's
 * behaviour and its description come from the same rows. No function here may know a single route.
 */
#include "broker/api/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "broker/api/openapi_error.h"
#include "broker/api/openapi_reply.h"
#include "broker/api/openapi_schema.h"
#include "broker/api/routes.h"
#include "broker/db/reader.h"
#include "broker/spec/validate.h"
#include "common/error.h"
#include "common/json.h"
#include "common/scope.h"
#include "proto/formats.h"

/* ---- parameters ---- */

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

static void put_query_parameter(struct fm_json_writer *json, const struct fm_field *field,
                                const char *prose)
{
    fm_json_open(json, NULL, '{');
    fm_json_put_text(json, "name", field->name);
    fm_json_put_text(json, "in", "query");
    fm_json_put_text(json, "description", prose);
    if (fm_openapi_schema_is_pairs(field)) { /* NAME[KEY]=VALUE */
        fm_json_put_text(json, "style", "deepObject");
        fm_json_put_bool(json, "explode", true);
    }
    fm_openapi_schema_field(json, "schema", field);
    fm_json_close(json, '}');
}

static void put_parameters(struct fm_json_writer *json, const struct fm_route *route)
{
    fm_json_open(json, "parameters", '[');
    put_path_parameters(json, route->pattern);
    if ((route->flags & FM_ROUTE_SPEC) != 0) {
        put_query_parameter(
            json, fm_validate_field("url"),
            "The source. Every other member of the body may stand in the query, too");
    }
    for (size_t i = 0; route->query != NULL && i < route->query->field_count; i++) {
        put_query_parameter(json, &route->query->fields[i], route->query->fields[i].prose);
    }
    fm_json_close(json, ']');
}

/* ---- bodies ---- */

static void put_content(struct fm_json_writer *json, const char *component)
{
    fm_json_open(json, "application/json", '{');
    fm_openapi_schema_ref(json, "schema", component);
    fm_json_close(json, '}');
}

/* A body of one job per line has a media type of its own. */
static void put_lines(struct fm_json_writer *json, const char *prose)
{
    fm_json_open(json, "application/x-ndjson", '{');
    fm_json_open(json, "schema", '{');
    fm_json_put_text(json, "type", "string");
    fm_json_put_text(json, "description", prose);
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

static void put_request_body(struct fm_json_writer *json, const struct fm_route *route)
{
    if (route->body == NULL) {
        return;
    }
    fm_json_open(json, "requestBody", '{');
    fm_json_open(json, "content", '{');
    put_content(json, route->body);
    if (route->lines != NULL) {
        put_lines(json, route->lines);
    }
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

/* RFC 9110, 15: replies with these statuses have no body, or none worth describing. */
static bool has_body(unsigned status)
{
    return status != 204 && status != 303 && status != 304;
}

static void put_reply_content(struct fm_json_writer *json, const struct fm_route *route)
{
    char component[FM_OPENAPI_REPLY_SIZE];
    fm_json_open(json, "content", '{');
    if (route->reply != NULL) {
        fm_openapi_reply_name(route, component);
        put_content(json, component);
    } else {
        fm_json_open(json, route->media, '{');
        fm_json_close(json, '}');
    }
    fm_json_close(json, '}');
}

static void put_status(struct fm_json_writer *json, const struct fm_route *route,
                       const struct fm_route_status *it)
{
    char status[12];
    snprintf(status, sizeof(status), "%u", it->status);
    fm_json_open(json, status, '{');
    fm_json_put_text(json, "description", it->prose);
    if (has_body(it->status)) {
        put_reply_content(json, route);
    }
    fm_json_close(json, '}');
}

static void put_responses(struct fm_json_writer *json, const struct fm_route *route)
{
    fm_json_open(json, "responses", '{');
    for (size_t i = 0; route->statuses[i].status != 0; i++) {
        put_status(json, route, &route->statuses[i]);
    }
    fm_openapi_error_responses(json, route);
    fm_json_close(json, '}');
}

/* ---- keys and scopes ---- */

static void put_scopes(struct fm_json_writer *json, unsigned scopes)
{
    fm_json_open(json, "x-scopes", '[');
    for (const struct fm_scope_row *row = fm_scopes; row < fm_scopes + FM_SCOPE_COUNT; row++) {
        if ((scopes & row->bit) != 0) {
            fm_json_put_text(json, NULL, row->name);
        }
    }
    fm_json_close(json, ']');
}

static void put_security(struct fm_json_writer *json, const struct fm_route *route)
{
    static const char *const schemes[] = {"key", "key_header"};
    bool needs_key = (route->flags & FM_ROUTE_PUBLIC) == 0;
    fm_json_open(json, "security", '[');
    for (size_t i = 0; needs_key && i < FM_COUNT(schemes); i++) {
        fm_json_open(json, NULL, '{');
        fm_json_open(json, schemes[i], '[');
        fm_json_close(json, ']');
        fm_json_close(json, '}');
    }
    fm_json_close(json, ']');
    put_scopes(json, route->scope);
    fm_json_put_bool(json, "x-scopes-of-jobs", (route->flags & FM_ROUTE_SCOPED) != 0);
}

/* ---- paths: route.def ---- */

static void put_operation(struct fm_json_writer *json, const struct fm_route *route)
{
    char method[8] = "";
    for (size_t i = 0; route->method[i] != '\0' && i + 1 < sizeof(method); i++) {
        method[i] = (char)tolower((unsigned char)route->method[i]);
    }
    fm_json_open(json, method, '{');
    fm_json_put_text(json, "operationId", route->name);
    fm_json_put_text(json, "summary", route->summary);
    put_security(json, route);
    put_parameters(json, route);
    put_request_body(json, route);
    put_responses(json, route);
    fm_openapi_error_codes(json, route);
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

/* Writes all operations of a path, which OpenAPI keeps in one object. */
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
    fm_json_open(json, "schemas", '{');
    fm_openapi_schema_bodies(json);
    fm_openapi_reply_components(json, &fm_routes);
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

static void put_all_scopes(struct fm_json_writer *json)
{
    fm_json_open(json, "x-scopes", '{');
    for (const struct fm_scope_row *row = fm_scopes; row < fm_scopes + FM_SCOPE_COUNT; row++) {
        fm_json_put_text(json, row->name, row->prose);
    }
    fm_json_close(json, '}');
}

/* Writes "a b" as ["a","b"]. */
static void put_words(struct fm_json_writer *json, const char *name, const char *words)
{
    fm_json_open(json, name, '[');
    for (const char *at = words; *at != '\0'; at += strspn(at, " ")) {
        char word[32];
        size_t length = strcspn(at, " ");
        snprintf(word, sizeof(word), "%.*s", (int)length, at);
        fm_json_put_text(json, NULL, word);
        at += length;
    }
    fm_json_close(json, ']');
}

/* Writes the formats of outputs, with the codecs that each can carry. */
static void put_formats(struct fm_json_writer *json)
{
    fm_json_open(json, "x-formats", '[');
    for (int i = 0; i < FM_FORMAT_COUNT; i++) {
        const struct fm_format_row *row = fm_formats_row((enum fm_format)i);
        fm_json_open(json, NULL, '{');
        fm_json_put_text(json, "name", fm_names_format[i]);
        fm_json_put_text(json, "content_type", row->content_type);
        fm_json_put_text(json, "video", fm_names_codec[row->video]);
        fm_json_put_text(json, "audio", fm_names_codec[row->audio]);
        put_words(json, "video_codecs", row->video_codecs);
        put_words(json, "audio_codecs", row->audio_codecs);
        fm_json_close(json, '}');
    }
    fm_json_close(json, ']');
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
    fm_openapi_error_list(&json);
    put_all_scopes(&json);
    put_formats(&json);
    fm_json_close(&json, '}');
}
