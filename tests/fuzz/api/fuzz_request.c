/*
 * Any bytes as a request: a target, fields, a blank line, a body. Gate, route and validation must
 * answer for every one of them, and a spec they let through must pack and come back.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/api/routes.h"
#include "broker/request/auth.h"
#include "broker/spec/validate.h"
#include "common/scope.h"

#define FIELDS 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

/* The line at `*at`, NUL-terminated in place; *at moves behind it. */
static char *read_line(char **at)
{
    char *line = *at;
    size_t length = strcspn(line, "\n");
    *at += length + (line[length] == '\n' ? 1 : 0);
    line[length] = '\0';
    return line;
}

static size_t read_fields(char **at, struct fm_http_header *headers)
{
    size_t count = 0;
    while (count < FIELDS && **at != '\0') {
        char *line = read_line(at);
        if (*line == '\0') {
            break;
        }
        size_t name = strcspn(line, ":");
        char *value = line[name] == ':' ? line + name + 1 : line + name;
        line[name] = '\0';
        headers[count++] = (struct fm_http_header){{line, name}, fm_slice_of(value)};
    }
    return count;
}

static void validate(const struct fm_route *route, const char *site,
                     const struct fm_gate_target *target, const char *body)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text packed = {0};
    static const struct fm_address_policy policy;
    struct fm_validate_result result;
    struct fm_spec again;
    struct fm_error err = {0};
    struct fm_validate_input input = {
        .type = (enum fm_type)route->type,
        .site = site,
        .query = target->query,
        .content_type = *body == '{' ? "application/json" : "application/x-www-form-urlencoded",
        .body = fm_slice_of(body),
        .scopes = FM_SCOPE_FETCH | FM_SCOPE_PROCESS,
        .policy = &policy,
        .now_ms = INT64_C(1800000000000)};
    if (!fm_validate_spec(&input, &arena, &result, &err)) {
        require(err.code != FM_NONE);
    } else if (fm_spec_write(&result.spec, &packed, &err)) {
        require(fm_spec_read((struct fm_slice){packed.data, packed.length}, &arena, &again, &err));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const methods[] = {"GET", "POST", "PUT", "TRACE"};
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_http_header headers[FIELDS];
    FM_AUTO_FREE char *input = fm_strndup((const char *)data, size);
    char *at = input;
    struct fm_gate_head head = {.target = read_line(&at), .is_whole = true};
    struct fm_gate_target target;
    struct fm_error err = {0};
    head.count = read_fields(&at, headers);
    head.total = head.count;
    head.headers = headers;
    if (!fm_gate_check(&head, "", "", &arena, &target, &err)) {
        require(err.code != FM_NONE);
        return 0;
    }
    (void)fm_auth_key_in_query(target.query);
    for (size_t i = 0; i < FM_COUNT(methods); i++) {
        FM_AUTO(fm_text_done) struct fm_text allow = {0};
        const struct fm_route *route = NULL;
        const char *values[FM_ROUTE_VALUES] = {0};
        bool is_found =
            fm_route_find(&fm_routes, methods[i], &target, &route, values, &allow, &err);
        if (is_found && (route->flags & FM_ROUTE_SPEC) != 0) {
            validate(route, values[0], &target, at);
        }
    }
    return 0;
}
