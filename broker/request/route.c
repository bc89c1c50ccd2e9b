/*
 * Finds the row of the route table for a method and a path, by comparing whole segments.
 * Before: a gated target. After: its row and the values of its {…} segments.
 */
#include "broker/request/route.h"

#include <string.h>

#include "broker/spec/validate.h"
#include "common/memory.h"

/* The methods of RFC 9110, 9.3, without CONNECT and TRACE, and PATCH of RFC 5789. Methods are
 * case-sensitive. */
static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

/* Compares one segment with the pattern's segment at `*pattern`, which moves to the next. A {…}
 * matches any segment but an empty one. */
static bool match_segment(const char **pattern, const char *segment, const char **value)
{
    const char *at = *pattern + 1;
    size_t length = strcspn(at, "/");
    *pattern = at + length;
    if (*at == '{') {
        *value = segment;
        return *segment != '\0';
    }
    return strlen(segment) == length && strncmp(at, segment, length) == 0;
}

static bool matches(const char *pattern, const struct fm_gate_target *target,
                    const char *values[FM_ROUTE_VALUES])
{
    size_t found = 0;
    for (size_t i = 0; i < target->segment_count; i++) {
        const char *value = NULL;
        if (*pattern == '\0' || i >= FM_GATE_SEGMENTS ||
            !match_segment(&pattern, target->segments[i], &value)) {
            return false;
        }
        if (value != NULL) {
            values[found++] = value;
        }
    }
    return *pattern == '\0';
}

/* Every route with GET also serves HEAD. */
static void list_method(struct fm_text *allow, const char *method)
{
    fm_text_format(allow, "%s%s", allow->length > 0 ? ", " : "", method);
    if (strcmp(method, "GET") == 0) {
        fm_text_append(allow, ", HEAD");
    }
}

bool fm_route_find(const struct fm_route_table *table, const char *method,
                   const struct fm_gate_target *target, const struct fm_route **route,
                   const char *values[FM_ROUTE_VALUES], struct fm_text *allow, struct fm_error *err)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (size_t i = 0; i < table->count; i++) {
        if (!matches(table->rows[i].pattern, target, values)) {
            continue;
        }
        if (strcmp(table->rows[i].method, wanted) == 0) {
            *route = &table->rows[i];
            return true;
        }
        if (strstr(fm_text_get(allow), table->rows[i].method) == NULL) {
            list_method(allow, table->rows[i].method);
        }
    }
    if (allow->length == 0) {
        return fm_fail_param(err, FM_NOT_FOUND, NULL, "There is nothing at this path");
    }
    fm_text_append(allow, ", OPTIONS");
    return fm_fail(err, FM_METHOD_NOT_ALLOWED, "route: method");
}

bool fm_route_waits(const struct fm_route *route)
{
    return route->query == &fm_record_wait_query;
}

bool fm_route_is_method(const char *method)
{
    for (size_t i = 0; i < FM_COUNT(methods); i++) {
        if (strcmp(method, methods[i]) == 0) {
            return true;
        }
    }
    return false;
}

void fm_route_list_methods(struct fm_text *out)
{
    for (size_t i = 0; i < FM_COUNT(methods); i++) {
        fm_text_format(out, "%s%s", i > 0 ? ", " : "", methods[i]);
    }
}
