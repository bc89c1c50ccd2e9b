/* Keeps the numbers as relaxed atomics, and writes them as text: see metrics.h. */
#include "broker/metrics/metrics.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "common/memory.h"

#define BUCKETS 14 /* of every histogram, without the one above all bounds */

enum kind { KIND_COUNTER, KIND_GAUGE, KIND_SECONDS, KIND_SIZES, KIND_COUNTERS, KIND_GAUGES };

static const struct {
    enum kind kind;
    const char *name, *help;
} rows[] = {
#define FM_METRIC(kind, name, text, help) {KIND_##kind, text, help},
#include "broker/metrics/metrics.def"
#undef FM_METRIC
};

/* The buckets' upper bounds, inclusive: of durations in microseconds, and of sizes. */
static const uint64_t bounds_us[BUCKETS] = {500,     1000,    2500,    5000,    10000,
                                            25000,   50000,   100000,  250000,  500000,
                                            1000000, 2500000, 5000000, 10000000};
static const uint64_t bounds[BUCKETS] = {1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384, 448, 512};

/* One cell for each metric. A histogram's last bucket counts the values above all bounds. */
static struct {
    atomic_uint_fast64_t value; /* a histogram keeps its sum here */
    atomic_uint_fast64_t buckets[BUCKETS + 1];
} cells[FM_METRIC_COUNT];

static void add_to_cell(atomic_uint_fast64_t *cell, uint64_t more)
{
    atomic_fetch_add_explicit(cell, more, memory_order_relaxed);
}

static uint64_t read_cell(const atomic_uint_fast64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

void fm_metrics_add(enum fm_metric metric, uint64_t more)
{
    add_to_cell(&cells[metric].value, more);
}

void fm_metrics_set(enum fm_metric metric, uint64_t value)
{
    atomic_store_explicit(&cells[metric].value, value, memory_order_relaxed);
}

static void observe(enum fm_metric metric, const uint64_t limits[BUCKETS], uint64_t value)
{
    size_t bucket = 0;
    while (bucket < BUCKETS && value > limits[bucket]) {
        bucket++;
    }
    add_to_cell(&cells[metric].buckets[bucket], 1);
    add_to_cell(&cells[metric].value, value);
}

void fm_metrics_time(enum fm_metric metric, int64_t us)
{
    observe(metric, bounds_us, us > 0 ? (uint64_t)us : 0);
}

void fm_metrics_size(enum fm_metric metric, uint64_t size)
{
    observe(metric, bounds, size);
}

/* ---- labelled numbers ---- */

void fm_metrics_list_add(struct fm_metrics_list *list, enum fm_metric metric, uint64_t number,
                         const char *format, ...)
{
    va_list arguments;
    if (list->count == list->capacity) {
        list->capacity = list->capacity > 0 ? 2 * list->capacity : 64;
        list->rows = fm_realloc_array(list->rows, list->capacity, sizeof(list->rows[0]));
    }
    struct fm_metrics_row *row = &list->rows[list->count++];
    row->metric = metric;
    row->number = number;
    va_start(arguments, format);
    vsnprintf(row->labels, sizeof(row->labels), format, arguments);
    va_end(arguments);
}

void fm_metrics_list_done(struct fm_metrics_list *list)
{
    fm_memory_release(&list->rows);
    *list = (struct fm_metrics_list){0};
}

/* ---- the text ---- */

static void put_head(enum fm_metric metric, const char *type, struct fm_text *out)
{
    fm_text_format(out, "# HELP %s %s\n# TYPE %s %s\n", rows[metric].name, rows[metric].help,
                   rows[metric].name, type);
}

static void put_number(enum fm_metric metric, const char *labels, uint64_t number,
                       struct fm_text *out)
{
    fm_text_format(out, "%s%s %llu\n", rows[metric].name, labels, (unsigned long long)number);
}

/* Buckets are kept apart but written cumulatively, as the format wants. The count is the sum of the
 * buckets just read, so both agree even while other threads count. */
static void put_histogram(enum fm_metric metric, struct fm_text *out)
{
    bool is_time = rows[metric].kind == KIND_SECONDS;
    const uint64_t *limits = is_time ? bounds_us : bounds;
    double unit = is_time ? 1e-6 : 1;
    uint64_t below = 0;
    put_head(metric, "histogram", out);
    for (size_t i = 0; i < BUCKETS; i++) {
        below += read_cell(&cells[metric].buckets[i]);
        fm_text_format(out, "%s_bucket{le=\"%g\"} %llu\n", rows[metric].name,
                       (double)limits[i] * unit, (unsigned long long)below);
    }
    below += read_cell(&cells[metric].buckets[BUCKETS]);
    fm_text_format(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9g\n%s_count %llu\n",
                   rows[metric].name, (unsigned long long)below, rows[metric].name,
                   (double)read_cell(&cells[metric].value) * unit, rows[metric].name,
                   (unsigned long long)below);
}

static void put_labelled(enum fm_metric metric, const struct fm_metrics_list *list,
                         struct fm_text *out)
{
    put_head(metric, rows[metric].kind == KIND_COUNTERS ? "counter" : "gauge", out);
    if (metric == FM_METRIC_BUILD_INFO) {
        put_number(metric, "{version=\"" FM_VERSION "\"}", 1, out);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->rows[i].metric == metric) {
            fm_text_format(out, "%s{%s} %llu\n", rows[metric].name, list->rows[i].labels,
                           (unsigned long long)list->rows[i].number);
        }
    }
}

void fm_metrics_write(const struct fm_metrics_list *list, struct fm_text *out)
{
    for (enum fm_metric metric = 0; metric < FM_METRIC_COUNT; metric++) {
        enum kind kind = rows[metric].kind;
        if (kind == KIND_SECONDS || kind == KIND_SIZES) {
            put_histogram(metric, out);
        } else if (kind == KIND_COUNTERS || kind == KIND_GAUGES) {
            put_labelled(metric, list, out);
        } else {
            put_head(metric, kind == KIND_COUNTER ? "counter" : "gauge", out);
            put_number(metric, "", read_cell(&cells[metric].value), out);
        }
    }
}
