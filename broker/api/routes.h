/* The table of the HTTP API's routes, made from route.def, for request/ and /openapi.json. */
#ifndef FM_BROKER_API_ROUTES_H
#define FM_BROKER_API_ROUTES_H

#include "broker/request/route.h"

extern const struct fm_route_table fm_routes;

#endif
