/* Writes the JSON Schemas of replies for openapi.c, from the tables of reply_record.h. Pure. */
#ifndef FM_BROKER_API_OPENAPI_REPLY_H
#define FM_BROKER_API_OPENAPI_REPLY_H

#include "broker/request/route.h"
#include "common/json.h"

#define FM_OPENAPI_REPLY_SIZE 64 /* bytes of a component's name, with its end */

/* The name of the component that a route replies with: "Job", or "JobList" for a page of jobs. */
void fm_openapi_reply_name(const struct fm_route *route, char out[FM_OPENAPI_REPLY_SIZE]);
/* Writes the component of every reply of the routes, and "Error", each as "NAME": schema. */
void fm_openapi_reply_components(struct fm_json_writer *json, const struct fm_route_table *routes);

#endif
