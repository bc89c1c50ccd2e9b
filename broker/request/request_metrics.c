/* Counts requests by route and class of status: see request_metrics.h. */
#include "broker/request/request_metrics.h"

#include <stdatomic.h>

#define ROUTES_MAX 128 /* the last index counts requests that matched no route */
#define CLASSES 6      /* 1xx … 5xx, and requests that ended without a reply */

static atomic_uint_fast64_t requests[ROUTES_MAX][CLASSES];

void fm_request_metrics_count(const struct fm_route_table *routes, const struct fm_route *route,
                              unsigned status, int64_t us, bool waited)
{
    size_t index = route != NULL ? (size_t)(route - routes->rows) : ROUTES_MAX - 1;
    size_t class = status >= 100 && status < 600 ? status / 100 - 1 : CLASSES - 1;
    atomic_fetch_add_explicit(&requests[index < ROUTES_MAX ? index : ROUTES_MAX - 1][class], 1,
                              memory_order_relaxed);
    if (!waited) {
        fm_metrics_time(FM_METRIC_REQUEST_SECONDS, us);
    }
}

void fm_request_metrics_list(const struct fm_route_table *routes, struct fm_metrics_list *list)
{
    static const char *const classes[CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx", "none"};
    for (size_t i = 0; i < (size_t)ROUTES_MAX * CLASSES; i++) {
        size_t index = i / CLASSES;
        const char *name = index < routes->count ? routes->rows[index].name : "none";
        uint64_t number = atomic_load_explicit(&requests[index][i % CLASSES], memory_order_relaxed);
        if (number > 0) {
            fm_metrics_list_add(list, FM_METRIC_REQUESTS, number, "route=\"%s\",status=\"%s\"",
                                name, classes[i % CLASSES]);
        }
    }
}
