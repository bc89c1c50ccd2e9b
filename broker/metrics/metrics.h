/*
 * What the operator's monitoring reads: counters that every room raises as it works, gauges set
 * when they are asked for, in the text format of Prometheus (version 0.0.4). The one exception to
 * "no shared mutable state": relaxed atomics that nothing decides by. Threads: any.
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

/* A counter goes up. */
void fm_metrics_add(enum fm_metric metric, uint64_t more);
/* A gauge stands there. */
void fm_metrics_set(enum fm_metric metric, uint64_t value);
/* A histogram takes a time … */
void fm_metrics_time(enum fm_metric metric, int64_t us);
/* … or a size. */
void fm_metrics_size(enum fm_metric metric, uint64_t size);

/* One line of a metric that has labels. */
struct fm_metrics_row {
    enum fm_metric metric;
    char labels[160]; /* name="value",… without the braces */
    uint64_t number;
};

/* The lines of one scrape, from every room that counts by label. Starts zeroed. */
struct fm_metrics_list {
    struct fm_metrics_row *rows;
    size_t count, capacity;
};

/* Appends a line; `format` makes its labels. */
void fm_metrics_list_add(struct fm_metrics_list *list, enum fm_metric metric, uint64_t number,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));
void fm_metrics_list_done(struct fm_metrics_list *list);

/* Appends the whole page: every metric of the table, and the lines of `list`. */
void fm_metrics_write(const struct fm_metrics_list *list, struct fm_text *out);

#endif
