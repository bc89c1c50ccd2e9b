/* Writes the errors of the API for openapi.c: the list of all, and those that a route can reply
 * with. Pure. */
#ifndef FM_BROKER_API_OPENAPI_ERROR_H
#define FM_BROKER_API_OPENAPI_ERROR_H

#include "broker/request/route.h"
#include "common/json.h"

/* Writes "x-errors": every public code of error.def, with `status` if a request can get it, `job`
 * true if a job can fail with it, and `any` true if every request can get it. */
void fm_openapi_error_list(struct fm_json_writer *json);
/* Writes "x-errors": the codes that a route can reply with, besides those of any request. */
void fm_openapi_error_codes(struct fm_json_writer *json, const struct fm_route *route);
/* Writes "404": … and so on, for each status that these codes have and that the route's own row
 * does not describe; and "default". */
void fm_openapi_error_responses(struct fm_json_writer *json, const struct fm_route *route);

#endif
