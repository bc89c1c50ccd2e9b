/*
 * Method and path → one row of route.def, by exact segments.
 * Before: a gated target. After: its row and the values of its {…} segments.
 */
#include "broker/route.h"

#include <string.h>

#include "broker/act.h"
#include "common/scope.h"
#include "proto/operations.h"

static const struct fm_route routes[] = {
#define FM_ROUTE(name, method, pattern, scope, limit, flags, type, act, summary)                   \
    {#name, method, pattern, scope, limit, flags, type, act, summary},
#include "broker/route.def"
#undef FM_ROUTE
};

size_t fm_route_count(void)
{
    return FM_COUNT(routes);
}

const struct fm_route *fm_route_at(size_t index)
{
    return &routes[index];
}

/* One segment against the pattern's at `*pattern`, which moves on. */
static bool take_segment(const char **pattern, const char *segment, const char **value)
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
            !take_segment(&pattern, target->segments[i], &value)) {
            return false;
        }
        if (value != NULL) {
            values[found++] = value;
        }
    }
    return *pattern == '\0';
}

static void list_method(struct fm_text *allow, const char *method)
{
    fm_text_format(allow, "%s%s", allow->length > 0 ? ", " : "", method);
    if (strcmp(method, "GET") == 0) {
        fm_text_append(allow, ", HEAD");
    }
}

bool fm_route_find(const char *method, const struct fm_gate_target *target,
                   const struct fm_route **route, const char *values[FM_ROUTE_VALUES],
                   struct fm_text *allow, struct fm_error *err)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    for (size_t i = 0; i < FM_COUNT(routes); i++) {
        if (!matches(routes[i].pattern, target, values)) {
            continue;
        }
        if (strcmp(routes[i].method, wanted) == 0) {
            *route = &routes[i];
            return true;
        }
        if (strstr(fm_text_get(allow), routes[i].method) == NULL) {
            list_method(allow, routes[i].method);
        }
    }
    if (allow->length == 0) {
        return fm_fail_param(err, FM_NOT_FOUND, NULL, "There is nothing at this path");
    }
    fm_text_append(allow, ", OPTIONS");
    return fm_fail(err, FM_METHOD_NOT_ALLOWED, "route: method");
}
