/*
 * Requests as numbers: how many each route answered, by class of status, and how long they took.
 * Threads: any; relaxed atomics that nothing decides by.
 */
#ifndef FM_BROKER_REQUEST_REQUEST_METRICS_H
#define FM_BROKER_REQUEST_REQUEST_METRICS_H

#include "broker/metrics/metrics.h"
#include "broker/request/route.h"

/* Counts an answered request. `route` NULL: no route matched. `waited`: the client asked to wait,
 * so its time says nothing of ours. */
void fm_request_metrics_count(const struct fm_route_table *routes, const struct fm_route *route,
                              unsigned status, int64_t us, bool waited);
/* Appends the requests answered, by route and class of status. */
void fm_request_metrics_list(const struct fm_route_table *routes, struct fm_metrics_list *list);

#endif
