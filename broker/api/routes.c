/* The rows of route.def: see routes.h. */
#include "broker/api/routes.h"

#include "broker/api/act.h"
#include "broker/db/reader.h"
#include "common/memory.h"
#include "common/scope.h"
#include "proto/operations.h"

static const struct fm_route rows[] = {
#define FM_ROUTE(name, method, pattern, scope, limit, flags, type, act, summary)                   \
    {#name, method, pattern, scope, limit, flags, type, act, summary},
#include "broker/api/route.def"
#undef FM_ROUTE
};

const struct fm_route_table fm_routes = {rows, FM_COUNT(rows)};
