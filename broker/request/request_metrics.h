/*
 * Counts requests for /metrics: how many each route served, by class of status, and how long they
 * took. Threads: any; the counters are relaxed atomics, and no decision depends on them.
 */
#ifndef FM_BROKER_REQUEST_REQUEST_METRICS_H
#define FM_BROKER_REQUEST_REQUEST_METRICS_H

#include "broker/metrics/metrics.h"
#include "broker/request/route.h"

/* Counts a request that has ended, and its duration in microseconds. `route` is NULL if none
 * matched. `waited`: the client asked to wait, so the duration is left out. */
void fm_request_metrics_count(const struct fm_route_table *routes, const struct fm_route *route,
                              unsigned status, int64_t us, bool waited);
/* Appends a row for each route and class of status that has served a request. */
void fm_request_metrics_list(const struct fm_route_table *routes, struct fm_metrics_list *list);

#endif
