/* The HTTP API as a table: route.def, with each row's act. */
#ifndef FM_BROKER_API_ROUTES_H
#define FM_BROKER_API_ROUTES_H

#include "broker/request/route.h"

extern const struct fm_route_table fm_routes;

#endif
