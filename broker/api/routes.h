/*
 * The table of the HTTP API's routes, made from route.def. Constant. main.c hands it to request/,
 * which stands below api/ and may not include it, and to operator/scrape.c; openapi.c describes it.
 */
#ifndef FM_BROKER_API_ROUTES_H
#define FM_BROKER_API_ROUTES_H

#include "broker/request/route.h"

extern const struct fm_route_table fm_routes;

#endif
