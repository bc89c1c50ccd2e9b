/*
 * What the operator's monitoring reads: counters that every room raises as it works, gauges set
 * when they are asked for, in the text format of Prometheus (version 0.0.4). The one exception to
 * "no shared mutable state": relaxed atomics that nothing decides by. Threads: any.
 */
#ifndef FM_BROKER_METRICS_H
#define FM_BROKER_METRICS_H

#include "broker/queue.h"
#include "broker/route.h"

enum fm_metric {
#define FM_METRIC(kind, name, text, help) FM_METRIC_##name,
#include "broker/metrics.def"
#undef FM_METRIC
    FM_METRIC_COUNT
};

/* A counter goes up. */
void fm_metrics_add(enum fm_metric metric, uint64_t more);
/* A gauge stands there. */
void fm_metrics_set(enum fm_metric metric, uint64_t value);
/* A histogram takes a time … */
void fm_metrics_time(enum fm_metric metric, int64_t us);
/* … or a size. */
void fm_metrics_size(enum fm_metric metric, uint64_t size);
/* A move of a job has its outcome: started, retried, ended, … */
void fm_metrics_event(const struct fm_queue_event *event);
/* A request was answered; `route` NULL: none matched; `waited`: it asked to. */
void fm_metrics_request(const struct fm_route *route, unsigned status, int64_t us, bool waited);

/* The queue as a whole, for the labelled gauges. */
struct fm_metrics_place {
    char state[16]; /* waiting, scheduled, leased, oldest */
    char pool[48];
    unsigned lane;
    uint64_t number;
};

/* Appends all of it. */
void fm_metrics_write(const struct fm_metrics_place *places, size_t count, struct fm_text *out);

#endif
