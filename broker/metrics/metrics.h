/*
 * Collects the numbers for the operator's monitoring: counters that every room raises as it works,
 * and gauges that are set at each scrape, written in the text format of Prometheus (version 0.0.4).
 * They are the one exception to "no shared mutable state": relaxed atomics, on which no decision
 * may depend. Threads: any; a struct fm_metrics_list belongs to its caller.
 */
#ifndef FM_BROKER_METRICS_METRICS_H
#define FM_BROKER_METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "common/text.h"

enum fm_metric {
#define FM_METRIC(kind, name, text, help) FM_METRIC_##name,
#include "broker/metrics/metrics.def"
#undef FM_METRIC
    FM_METRIC_COUNT
};

/* Raises a COUNTER. */
void fm_metrics_add(enum fm_metric metric, uint64_t more);
/* Sets a GAUGE. */
void fm_metrics_set(enum fm_metric metric, uint64_t value);
/* Adds a duration in microseconds to a SECONDS histogram; below 0 counts as 0. */
void fm_metrics_time(enum fm_metric metric, int64_t us);
/* Adds a size to a SIZES histogram. */
void fm_metrics_size(enum fm_metric metric, uint64_t size);

/* One line of a metric that has labels (COUNTERS, GAUGES). */
struct fm_metrics_row {
    enum fm_metric metric;
    char labels[160]; /* name="value",… without the braces; longer labels are cut */
    uint64_t number;
};

/* The labelled lines of one scrape, gathered from the rooms that count by label. Starts zeroed. */
struct fm_metrics_list {
    struct fm_metrics_row *rows;
    size_t count, capacity;
};

/* Appends a line. `format` makes its labels; their values must need no escaping. */
void fm_metrics_list_add(struct fm_metrics_list *list, enum fm_metric metric, uint64_t number,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));
void fm_metrics_list_done(struct fm_metrics_list *list);

/* Appends the whole page: every metric of the table, in its order, with the lines of `list`. */
void fm_metrics_write(const struct fm_metrics_list *list, struct fm_text *out);

#endif
