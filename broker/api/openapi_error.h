/* Errors for openapi.c: which there are, and which a route can answer. Pure. */
#ifndef FM_BROKER_API_OPENAPI_ERROR_H
#define FM_BROKER_API_OPENAPI_ERROR_H

#include "broker/request/route.h"
#include "common/json.h"

/* "x-errors": every code of error.def, with `status` where a request is answered with it, `job`
 * where a job can fail of it, and `any` where any request at all can be answered with it. */
void fm_openapi_error_list(struct fm_json_writer *json);
/* "x-errors": the codes a route answers with, beside those of any request. */
void fm_openapi_error_codes(struct fm_json_writer *json, const struct fm_route *route);
/* "404": …, for each status these codes have and the route's own row has not; and "default". */
void fm_openapi_error_responses(struct fm_json_writer *json, const struct fm_route *route);

#endif
