/* JSON Schema for openapi.c: of what is answered, from the records of replies. Pure. */
#ifndef FM_BROKER_API_OPENAPI_REPLY_H
#define FM_BROKER_API_OPENAPI_REPLY_H

#include "broker/request/route.h"
#include "common/json.h"

#define FM_OPENAPI_REPLY_SIZE 64

/* The component's name of what a route answers: "Job", or "JobList" for a page of them. */
void fm_openapi_reply_name(const struct fm_route *route, char out[FM_OPENAPI_REPLY_SIZE]);
/* The components of what the routes answer, and of errors ("Error"), each as "NAME": schema. */
void fm_openapi_reply_components(struct fm_json_writer *json, const struct fm_route_table *routes);

#endif
