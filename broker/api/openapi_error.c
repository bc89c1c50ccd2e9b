/* Derives a route's errors from the columns of its row: see openapi_error.h. A step that can fail
 * in a new way needs a code in `implied` or `of_any`. */
#include "broker/api/openapi_error.h"

#include <stdio.h>
#include <string.h>

#include "broker/api/openapi_schema.h"
#include "common/memory.h"

#define JOBS_FROM 100 /* in error.def, the errors of jobs have wire numbers from here on */
#define CODES_MAX 32

/* ---- the errors that follow from a column ---- */

/* The gate's errors, and others that any request may get. */
static const enum fm_error_code of_any[] = {
    FM_INVALID_REQUEST, FM_METHOD_NOT_ALLOWED,  FM_REQUEST_TIMEOUT,
    FM_URI_TOO_LONG,    FM_MISDIRECTED_REQUEST, FM_HEADERS_TOO_LARGE,
    FM_INTERNAL,        FM_NOT_IMPLEMENTED,     FM_UNAVAILABLE,
};

static bool needs_key(const struct fm_route *route)
{
    return (route->flags & FM_ROUTE_PUBLIC) == 0;
}

static bool needs_scope(const struct fm_route *route)
{
    return route->scope != 0 || (route->flags & FM_ROUTE_SCOPED) != 0;
}

static bool needs_job(const struct fm_route *route)
{
    return (route->flags & FM_ROUTE_JOB) != 0;
}

static bool has_query(const struct fm_route *route)
{
    return route->query != NULL;
}

static bool takes_body(const struct fm_route *route)
{
    return route->body_limit > 0;
}

static bool takes_spec(const struct fm_route *route)
{
    return (route->flags & FM_ROUTE_SPEC) != 0;
}

static const struct {
    bool (*applies)(const struct fm_route *route);
    enum fm_error_code codes[10];
} implied[] = {
    {needs_key, {FM_KEY_IN_URL, FM_INVALID_TOKEN, FM_RATE_LIMIT_EXCEEDED, FM_UNKNOWN_PARAMETER}},
    {needs_scope, {FM_INSUFFICIENT_SCOPE}},
    {needs_job, {FM_NOT_FOUND}},
    {has_query, {FM_INVALID_PARAMETER}},
    {takes_body, {FM_PAYLOAD_TOO_LARGE, FM_UNSUPPORTED_MEDIA_TYPE}},
    {takes_spec,
     {FM_INVALID_JSON, FM_MISSING_PARAMETER, FM_CONFLICTING_PARAMETERS, FM_INVALID_URL,
      FM_SITE_MISMATCH, FM_URL_NOT_ALLOWED, FM_UNSUPPORTED_FORMAT}},
};

/* ---- a route's codes, each once, in error.def's order ---- */

struct codes {
    enum fm_error_code items[CODES_MAX];
    size_t count;
};

static void add_code(struct codes *codes, enum fm_error_code code)
{
    size_t at = codes->count;
    while (at > 0 && codes->items[at - 1] > code) {
        at--;
    }
    if (codes->count == CODES_MAX || (at > 0 && codes->items[at - 1] == code)) {
        return;
    }
    memmove(&codes->items[at + 1], &codes->items[at], (codes->count - at) * sizeof(code));
    codes->items[at] = code;
    codes->count++;
}

static struct codes codes_of(const struct fm_route *route)
{
    struct codes codes = {.count = 0};
    for (size_t i = 0; i < FM_COUNT(implied); i++) {
        for (size_t k = 0; implied[i].applies(route) && implied[i].codes[k] != FM_NONE; k++) {
            add_code(&codes, implied[i].codes[k]);
        }
    }
    for (size_t i = 0; route->errors[i] != FM_NONE; i++) {
        add_code(&codes, route->errors[i]);
    }
    return codes;
}

void fm_openapi_error_codes(struct fm_json_writer *json, const struct fm_route *route)
{
    struct codes codes = codes_of(route);
    fm_json_open(json, "x-errors", '[');
    for (size_t i = 0; i < codes.count; i++) {
        fm_json_put_text(json, NULL, fm_error_row(codes.items[i])->public_code);
    }
    fm_json_close(json, ']');
}

/* ---- by status ---- */

static void put_response(struct fm_json_writer *json, const char *status, const char *prose)
{
    fm_json_open(json, status, '{');
    fm_json_put_text(json, "description", prose);
    fm_json_open(json, "content", '{');
    fm_json_open(json, "application/json", '{');
    fm_openapi_schema_ref(json, "schema", "Error");
    fm_json_close(json, '}');
    fm_json_close(json, '}');
    fm_json_close(json, '}');
}

static bool has_status(const struct fm_route *route, int status)
{
    for (size_t i = 0; route->statuses[i].status != 0; i++) {
        if (route->statuses[i].status == (unsigned)status) {
            return true;
        }
    }
    return false;
}

/* Writes the codes of one status as one response, and returns the index after them. It relies on
 * error.def's order, in which codes of one status are neighbours. */
static size_t put_codes(struct fm_json_writer *json, const struct fm_route *route,
                        const struct codes *codes, size_t first)
{
    FM_AUTO(fm_text_done) struct fm_text names = {0};
    int status = fm_error_row(codes->items[first])->http_status;
    char number[12];
    size_t i = first;
    for (; i < codes->count && fm_error_row(codes->items[i])->http_status == status; i++) {
        fm_text_format(&names, "%s%s", i > first ? ", " : "",
                       fm_error_row(codes->items[i])->public_code);
    }
    snprintf(number, sizeof(number), "%d", status);
    if (!has_status(route, status)) {
        put_response(json, number, fm_text_get(&names));
    }
    return i;
}

void fm_openapi_error_responses(struct fm_json_writer *json, const struct fm_route *route)
{
    struct codes codes = codes_of(route);
    for (size_t i = 0; i < codes.count;) {
        i = put_codes(json, route, &codes, i);
    }
    put_response(json, "default", "An error that any request may meet");
}

/* ---- all of them ---- */

static bool is_of_any(enum fm_error_code code)
{
    for (size_t i = 0; i < FM_COUNT(of_any); i++) {
        if (of_any[i] == code) {
            return true;
        }
    }
    return false;
}

static void put_error(struct fm_json_writer *json, const struct fm_error_row *row)
{
    fm_json_open(json, row->public_code, '{');
    if (row->http_status != 0) {
        fm_json_put_integer(json, "status", row->http_status);
    }
    fm_json_put_text(json, "message", row->text);
    fm_json_put_bool(json, "retryable", row->retry == FM_RETRY_LATER);
    fm_json_put_bool(json, "any", is_of_any(row->code));
    fm_json_put_bool(json, "job", row->code >= JOBS_FROM || row->code == FM_INTERNAL);
    fm_json_close(json, '}');
}

/* Several rows may share a public code; the first of them is written. */
void fm_openapi_error_list(struct fm_json_writer *json)
{
    static const enum fm_error_code codes[] = {
#define FM_ERROR(name, wire, http, code, retry, text) FM_##name,
#include "common/error.def"
#undef FM_ERROR
    };
    fm_json_open(json, "x-errors", '{');
    for (size_t i = 0; i < FM_COUNT(codes); i++) {
        const struct fm_error_row *row = fm_error_row(codes[i]);
        bool is_known = false;
        for (size_t k = 0; k < i && !is_known; k++) {
            is_known = strcmp(fm_error_row(codes[k])->public_code, row->public_code) == 0;
        }
        if (!is_known) {
            put_error(json, row);
        }
    }
    fm_json_close(json, '}');
}
