/* Relaxed atomics, and the text they become. */
#include "broker/metrics.h"

#include <stdatomic.h>
#include <string.h>

#include "common/memory.h"
#include "proto/operations.h"

#define BUCKETS 14
#define ROUTES_MAX 64 /* the last place: no route */
#define CLASSES 6     /* 1xx … 5xx, and what was never answered */
#define ERRORS_MAX 512

enum kind { KIND_COUNTER, KIND_GAUGE, KIND_SECONDS, KIND_SIZES, KIND_COUNTERS, KIND_GAUGES };

static const struct {
    enum kind kind;
    const char *name, *help;
} rows[] = {
#define FM_METRIC(kind, name, text, help) {KIND_##kind, text, help},
#include "broker/metrics.def"
#undef FM_METRIC
};

/* Upper bounds: of times in us, of sizes as they are. */
static const uint64_t bounds_us[BUCKETS] = {500,     1000,    2500,    5000,    10000,
                                            25000,   50000,   100000,  250000,  500000,
                                            1000000, 2500000, 5000000, 10000000};
static const uint64_t bounds[BUCKETS] = {1, 2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384, 448, 512};

/* One of each metric; a histogram's last bucket is what lies above all bounds. */
static struct {
    atomic_uint_fast64_t value; /* of a histogram: the sum */
    atomic_uint_fast64_t buckets[BUCKETS + 1];
} cells[FM_METRIC_COUNT];
static atomic_uint_fast64_t ended[FM_STATE_COUNT][ERRORS_MAX];
static atomic_uint_fast64_t requests[ROUTES_MAX][CLASSES];

static void add(atomic_uint_fast64_t *cell, uint64_t more)
{
    atomic_fetch_add_explicit(cell, more, memory_order_relaxed);
}

static uint64_t get(const atomic_uint_fast64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

void fm_metrics_add(enum fm_metric metric, uint64_t more)
{
    add(&cells[metric].value, more);
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
    add(&cells[metric].buckets[bucket], 1);
    add(&cells[metric].value, value);
}

void fm_metrics_time(enum fm_metric metric, int64_t us)
{
    observe(metric, bounds_us, us > 0 ? (uint64_t)us : 0);
}

void fm_metrics_size(enum fm_metric metric, uint64_t size)
{
    observe(metric, bounds, size);
}

/* ---- moves of jobs ---- */

/* Some errors share one public code, and a set of labels must be told once. */
static size_t first_alike(enum fm_error_code error)
{
    const struct fm_error_row *row = fm_error_row(error);
    for (size_t i = 1; i < ERRORS_MAX && error != FM_NONE; i++) {
        const struct fm_error_row *other = fm_error_row((enum fm_error_code)i);
        if ((size_t)other->code == i && strcmp(other->public_code, row->public_code) == 0) {
            return i;
        }
    }
    return FM_NONE;
}

static void count_end(enum fm_state state, enum fm_error_code error)
{
    add(&ended[state < FM_STATE_COUNT ? state : FM_STATE_FAILED][first_alike(error)], 1);
}

static void count_release(const struct fm_queue_event *event)
{
    static const enum fm_metric given_back[] = {
        [FM_RELEASE_RETRY] = FM_METRIC_JOBS_RETRIED,
        [FM_RELEASE_CRASH] = FM_METRIC_JOBS_CRASHED,
        [FM_RELEASE_LOSS] = FM_METRIC_LEASES_LOST,
        [FM_RELEASE_UNCOUNTED] = FM_METRIC_LEASES_RETURNED,
    };
    if (event->outcome == FM_QUEUE_MOVED) {
        fm_metrics_add(given_back[event->release], 1);
    } else if (event->outcome == FM_QUEUE_ENDED) {
        count_end(FM_STATE_FAILED,
                  event->release == FM_RELEASE_LOSS ? FM_WORKER_LOST : event->error);
    }
}

static void count_moved(const struct fm_queue_event *event)
{
    switch (event->kind) {
    case FM_QUEUE_ENQUEUE:
        fm_metrics_add(FM_METRIC_JOBS_ACCEPTED, 1);
        fm_metrics_add(FM_METRIC_JOBS_STARTED, event->is_leased ? 1 : 0);
        break;
    case FM_QUEUE_CLAIM:
        fm_metrics_add(FM_METRIC_JOBS_STARTED, 1);
        break;
    case FM_QUEUE_FINISH:
        count_end(event->state, event->error);
        break;
    case FM_QUEUE_CANCEL:
        count_end(FM_STATE_CANCELED, FM_NONE);
        break;
    case FM_QUEUE_EXPIRE:
        fm_metrics_add(FM_METRIC_SESSIONS_LOST, event->is_loss ? 1 : 0);
        break;
    default:
        break;
    }
}

void fm_metrics_event(const struct fm_queue_event *event)
{
    if (event->outcome == FM_QUEUE_FAILED) {
        fm_metrics_add(FM_METRIC_EVENTS_FAILED, 1);
    } else if (event->kind == FM_QUEUE_RELEASE) {
        count_release(event);
    } else if (event->outcome == FM_QUEUE_MOVED) {
        count_moved(event);
    }
}

void fm_metrics_request(const struct fm_route *route, unsigned status, int64_t us, bool waited)
{
    size_t index = route != NULL ? (size_t)(route - fm_route_at(0)) : ROUTES_MAX - 1;
    size_t class = status >= 100 && status < 600 ? status / 100 - 1 : CLASSES - 1;
    add(&requests[index < ROUTES_MAX ? index : ROUTES_MAX - 1][class], 1);
    if (!waited) {
        fm_metrics_time(FM_METRIC_REQUEST_SECONDS, us);
    }
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

static void put_histogram(enum fm_metric metric, struct fm_text *out)
{
    bool is_time = rows[metric].kind == KIND_SECONDS;
    const uint64_t *limits = is_time ? bounds_us : bounds;
    double unit = is_time ? 1e-6 : 1;
    uint64_t below = 0;
    put_head(metric, "histogram", out);
    for (size_t i = 0; i < BUCKETS; i++) {
        below += get(&cells[metric].buckets[i]);
        fm_text_format(out, "%s_bucket{le=\"%g\"} %llu\n", rows[metric].name,
                       (double)limits[i] * unit, (unsigned long long)below);
    }
    below += get(&cells[metric].buckets[BUCKETS]);
    fm_text_format(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9g\n%s_count %llu\n",
                   rows[metric].name, (unsigned long long)below, rows[metric].name,
                   (double)get(&cells[metric].value) * unit, rows[metric].name,
                   (unsigned long long)below);
}

static void put_ended(struct fm_text *out)
{
    for (enum fm_state state = 0; state < FM_STATE_COUNT; state++) {
        for (size_t error = 0; error < ERRORS_MAX; error++) {
            uint64_t number = get(&ended[state][error]);
            const char *code =
                error == FM_NONE ? "" : fm_error_row((enum fm_error_code)error)->public_code;
            if (number > 0) {
                fm_text_format(out, "%s{outcome=\"%s\",error=\"%s\"} %llu\n",
                               rows[FM_METRIC_JOBS_ENDED].name, fm_state_name(state), code,
                               (unsigned long long)number);
            }
        }
    }
}

static void put_requests(struct fm_text *out)
{
    static const char *const classes[CLASSES] = {"1xx", "2xx", "3xx", "4xx", "5xx", "none"};
    for (size_t i = 0; i < (size_t)ROUTES_MAX * CLASSES; i++) {
        size_t index = i / CLASSES;
        const struct fm_route *route = index < fm_route_count() ? fm_route_at(index) : NULL;
        uint64_t number = get(&requests[index][i % CLASSES]);
        if (number > 0) {
            fm_text_format(out, "%s{route=\"%s\",status=\"%s\"} %llu\n",
                           rows[FM_METRIC_REQUESTS].name, route != NULL ? route->name : "none",
                           classes[i % CLASSES], (unsigned long long)number);
        }
    }
}

/* A worker's placement is a word of letters: pools need no escapes. */
static void put_places(enum fm_metric metric, const struct fm_metrics_place *places, size_t count,
                       struct fm_text *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct fm_metrics_place *place = &places[i];
        bool is_oldest = strcmp(place->state, "oldest") == 0;
        const char *lane =
            place->lane < FM_PRIORITY_COUNT ? fm_names_priority[place->lane] : "unknown";
        if (is_oldest != (metric == FM_METRIC_QUEUE_OLDEST)) {
            continue;
        }
        fm_text_format(out, "%s{pool=\"%s\",lane=\"%s\"", rows[metric].name, place->pool, lane);
        if (!is_oldest) {
            fm_text_format(out, ",state=\"%s\"", place->state);
        }
        fm_text_format(out, "} %llu\n", (unsigned long long)place->number);
    }
}

static void put_labelled(enum fm_metric metric, const struct fm_metrics_place *places, size_t count,
                         struct fm_text *out)
{
    put_head(metric, rows[metric].kind == KIND_COUNTERS ? "counter" : "gauge", out);
    if (metric == FM_METRIC_JOBS_ENDED) {
        put_ended(out);
    } else if (metric == FM_METRIC_REQUESTS) {
        put_requests(out);
    } else if (metric == FM_METRIC_BUILD_INFO) {
        put_number(metric, "{version=\"" FM_VERSION "\"}", 1, out);
    } else {
        put_places(metric, places, count, out);
    }
}

void fm_metrics_write(const struct fm_metrics_place *places, size_t count, struct fm_text *out)
{
    for (enum fm_metric metric = 0; metric < FM_METRIC_COUNT; metric++) {
        enum kind kind = rows[metric].kind;
        if (kind == KIND_SECONDS || kind == KIND_SIZES) {
            put_histogram(metric, out);
        } else if (kind == KIND_COUNTERS || kind == KIND_GAUGES) {
            put_labelled(metric, places, count, out);
        } else {
            put_head(metric, kind == KIND_COUNTER ? "counter" : "gauge", out);
            put_number(metric, "", get(&cells[metric].value), out);
        }
    }
}
