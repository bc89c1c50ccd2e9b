/* Makes the table of route.def's rows: see routes.h. */
#include "broker/api/routes.h"

#include "broker/api/act.h"
#include "broker/api/batch_lines.h"
#include "broker/api/list_filter.h"
#include "broker/api/replies.h"
#include "broker/spec/validate.h"
#include "common/memory.h"
#include "common/scope.h"
#include "proto/names.h"

static const struct fm_route rows[] = {
#define FM_ROUTE(name_, act_, method_, pattern_, summary_, ...)                                    \
    {.name = #name_,                                                                               \
     .act = (act_),                                                                                \
     .method = (method_),                                                                          \
     .pattern = (pattern_),                                                                        \
     .summary = (summary_),                                                                        \
     __VA_ARGS__},
#include "broker/api/route.def"
#undef FM_ROUTE
};

const struct fm_route_table fm_routes = {rows, FM_COUNT(rows)};
