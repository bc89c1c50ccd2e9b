/* Answers the three pages. A scrape that finds the queue's numbers too old first waits for one
 * statement; if that fails, the page goes out without them. See scrape.h. */
#include "broker/operator/scrape.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "broker/api/status.h"
#include "broker/db/db.h"
#include "broker/queue/queue_metrics.h"
#include "broker/request/request_metrics.h"
#include "common/clock.h"
#include "proto/names.h"
#include "sql/sql.h"

#define FRESH_MS INT64_C(5000) /* the statement counts the whole queue: never more often */
#define QUEUE_ROWS_MAX 4096    /* lines of the queue by pool, lane and state */
#define CONNECTIONS 32
#define PATIENCE_S 10 /* for a request's head, its body, and its reply */
#define IDLE_S 120    /* longer than a scraper's usual interval of up to a minute */
#define TEXT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define JSON_TYPE "application/json"

/* The HTTP handler's context, shared by all requests of this listener. */
struct service {
    struct fm_front front;
    struct fm_http *api;          /* the API's listener, whose numbers are reported */
    int64_t started_s;            /* since 1970 */
    pthread_mutex_t lock;         /* guards the two members below */
    struct fm_metrics_list queue; /* the queue by pool, lane and state, as last read */
    int64_t read_ms;              /* when that was; 0: never */
};

/* One request. */
struct scrape {
    struct fm_http_exchange *exchange;
    struct fm_reader_query query;
    bool has_asked;
    struct fm_suspend wait;
};

/* ---- the queue as a whole ---- */

/* True for a row that is one number for the whole queue, and so a plain gauge. */
static bool set_number(const char *state, uint64_t number)
{
    static const struct {
        const char *name;
        enum fm_metric metric;
    } numbers[] = {{"sessions", FM_METRIC_SESSIONS}, {"estimate", FM_METRIC_QUEUE_ESTIMATE}};
    for (size_t i = 0; i < FM_COUNT(numbers); i++) {
        if (strcmp(state, numbers[i].name) == 0) {
            fm_metrics_set(numbers[i].metric, number);
            return true;
        }
    }
    return false;
}

/* Pools need no escaping in labels: a worker's placement consists of letters and digits. */
static void list_row(struct fm_metrics_list *queue, const struct fm_db_rows *rows, size_t row)
{
    const char *state = fm_db_text(rows, row, 0), *pool = fm_db_text(rows, row, 1);
    uint64_t lane = (uint64_t)fm_db_integer(rows, row, 2);
    uint64_t number = (uint64_t)fm_db_integer(rows, row, 3);
    const char *priority = lane < FM_PRIORITY_COUNT ? fm_names_priority[lane] : "unknown";
    if (set_number(state, number)) {
        return;
    }
    if (strcmp(state, "oldest") == 0) {
        fm_metrics_list_add(queue, FM_METRIC_QUEUE_OLDEST, number, "pool=\"%s\",lane=\"%s\"", pool,
                            priority);
    } else {
        fm_metrics_list_add(queue, FM_METRIC_QUEUE_JOBS, number,
                            "pool=\"%s\",lane=\"%s\",state=\"%s\"", pool, priority, state);
    }
}

static void keep_rows(struct service *service, const struct fm_db_rows *rows)
{
    size_t count = fm_db_rows_count(rows);
    pthread_mutex_lock(&service->lock);
    service->queue.count = 0;
    for (size_t i = 0; i < count && service->queue.count < QUEUE_ROWS_MAX; i++) {
        list_row(&service->queue, rows, i);
    }
    service->read_ms = fm_clock_ms();
    pthread_mutex_unlock(&service->lock);
}

/* On a reader thread. */
static void answered(struct fm_reader_query *query)
{
    struct scrape *scrape = query->context;
    fm_suspend_wake(&scrape->wait);
}

static bool is_fresh(struct service *service)
{
    pthread_mutex_lock(&service->lock);
    bool is = service->read_ms != 0 && fm_clock_ms() - service->read_ms < FRESH_MS;
    pthread_mutex_unlock(&service->lock);
    return is;
}

static void query_database(struct service *service, struct scrape *scrape)
{
    scrape->has_asked = true;
    scrape->query = (struct fm_reader_query){
        .call.sql = fm_sql_metrics_queue, .done = answered, .context = scrape};
    fm_suspend_begin(&scrape->wait, scrape->exchange);
    fm_reader_query(service->front.reader, &scrape->query);
}

/* ---- the process ---- */

static uint64_t resident_bytes(void)
{
    unsigned long long whole = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL) {
        if (fscanf(file, "%llu %llu", &whole, &resident) != 2) {
            resident = 0;
        }
        fclose(file);
    }
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t count_descriptors(void)
{
    uint64_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder != NULL && readdir(folder) != NULL) {
        count++;
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count > 3 ? count - 3 : 0; /* ".", ".." and the folder's own */
}

/* Gauges that no room keeps up to date: they are measured at each scrape. */
static void set_gauges(struct service *service)
{
    const struct fm_front *front = &service->front;
    struct statvfs disk = {0};
    (void)statvfs(front->settings->store_dir, &disk);
    fm_metrics_set(FM_METRIC_CONNECTIONS, fm_http_connections(service->api));
    fm_metrics_set(FM_METRIC_WAITERS, fm_watch_waiters(front->watch));
    fm_metrics_set(FM_METRIC_WORKERS, fm_dispatch_workers(front->dispatch));
    fm_metrics_set(FM_METRIC_DATABASE_UP, fm_reader_is_ready(front->reader) ? 1 : 0);
    fm_metrics_set(FM_METRIC_STORE_FREE, (uint64_t)disk.f_bavail * disk.f_frsize);
    fm_metrics_set(FM_METRIC_RESIDENT, resident_bytes());
    fm_metrics_set(FM_METRIC_OPEN_FDS, count_descriptors());
    fm_metrics_set(FM_METRIC_START_TIME, (uint64_t)service->started_s);
}

/* ---- the requests ---- */

static enum fm_http_next reply(struct fm_http_exchange *exchange, unsigned status, const char *type,
                               struct fm_text *body)
{
    fm_http_header(exchange, "Content-Type", type);
    fm_http_header(exchange, "Cache-Control", "no-store");
    fm_http_reply(exchange, status, body);
    return FM_HTTP_REPLY;
}

/* The queue's numbers are left out if they are older than two reads: while the database is down, a
 * gap is better than numbers that are no longer true. */
static void list_all(struct service *service, struct fm_metrics_list *list)
{
    pthread_mutex_lock(&service->lock);
    bool is_recent = service->read_ms != 0 && fm_clock_ms() - service->read_ms < 2 * FRESH_MS;
    for (size_t i = 0; is_recent && i < service->queue.count; i++) {
        const struct fm_metrics_row *row = &service->queue.rows[i];
        fm_metrics_list_add(list, row->metric, row->number, "%s", row->labels);
    }
    pthread_mutex_unlock(&service->lock);
    fm_queue_metrics_list(list);
    fm_request_metrics_list(service->front.routes, list);
}

/* Called once, or twice if the queue must be read: then the first call only starts the read. A read
 * that fails is no error; the page goes out without the queue's numbers. */
static enum fm_http_next reply_metrics(struct service *service, struct scrape *scrape)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    struct fm_metrics_list list = {0};
    if (!scrape->has_asked && !is_fresh(service) && fm_reader_is_ready(service->front.reader)) {
        query_database(service, scrape);
        return FM_HTTP_WAIT;
    }
    if (scrape->has_asked && scrape->query.rows != NULL) {
        keep_rows(service, scrape->query.rows);
    }
    set_gauges(service);
    list_all(service, &list);
    fm_metrics_write(&list, &body);
    fm_metrics_list_done(&list);
    return reply(scrape->exchange, 200, TEXT_TYPE, &body);
}

static enum fm_http_next reply_health(struct service *service, struct scrape *scrape)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    (void)service;
    fm_status_write_health(&body);
    return reply(scrape->exchange, 200, JSON_TYPE, &body);
}

static enum fm_http_next reply_ready(struct service *service, struct scrape *scrape)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    bool is_ready = fm_status_write_ready(service->front.reader, service->front.dispatch,
                                          fm_http_is_draining(service->api), &body);
    return reply(scrape->exchange, is_ready ? 200 : 503, JSON_TYPE, &body);
}

static enum fm_http_next reply_refused(struct fm_http_exchange *exchange, unsigned status)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    fm_text_append(&body, "GET /metrics, /healthz or /readyz\n");
    if (status == 405) {
        fm_http_header(exchange, "Allow", "GET, HEAD");
    }
    fm_http_close_after(exchange);
    return reply(exchange, status, "text/plain; charset=utf-8", &body);
}

static const struct {
    const char *path;
    enum fm_http_next (*reply)(struct service *service, struct scrape *scrape);
} pages[] = {{"/metrics", reply_metrics}, {"/healthz", reply_health}, {"/readyz", reply_ready}};

static struct scrape *scrape_of(struct fm_http_exchange *exchange)
{
    struct scrape *scrape = fm_http_user(exchange);
    if (scrape == NULL) {
        scrape = fm_alloc(sizeof(*scrape));
        scrape->exchange = exchange;
        fm_http_set_user(exchange, scrape);
    }
    return scrape;
}

static enum fm_http_next run_scrape(struct fm_http_exchange *exchange)
{
    struct scrape *scrape = scrape_of(exchange);
    const char *method = fm_http_method(exchange), *target = fm_http_target(exchange);
    size_t length = strcspn(target, "?");
    for (size_t i = 0; i < FM_COUNT(pages); i++) {
        if (strlen(pages[i].path) == length && strncmp(pages[i].path, target, length) == 0) {
            bool is_read = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
            return is_read ? pages[i].reply(fm_http_context(exchange), scrape)
                           : reply_refused(exchange, 405);
        }
    }
    return reply_refused(exchange, 404);
}

static void end(struct fm_http_exchange *exchange)
{
    struct scrape *scrape = fm_http_user(exchange);
    if (scrape != NULL) {
        fm_db_rows_destroy(&scrape->query.rows);
        free(scrape);
        fm_http_set_user(exchange, NULL);
    }
}

static void closed(void *context)
{
    struct service *service = context;
    pthread_mutex_destroy(&service->lock);
    fm_metrics_list_done(&service->queue);
    free(service);
}

bool fm_scrape_open(const struct fm_front *front, struct fm_http *api, struct fm_http **http,
                    struct fm_error *err)
{
    struct service *service = fm_alloc(sizeof(*service));
    struct fm_http_options options = {
        .listen = front->settings->metrics_listen,
        .threads = 1,
        .max_connections = CONNECTIONS,
        .limits = {PATIENCE_S, PATIENCE_S, IDLE_S, PATIENCE_S},
    };
    struct fm_http_handler handler = {service, run_scrape, end, closed};
    service->front = *front;
    service->api = api;
    service->started_s = fm_clock_wall_us() / 1000000;
    pthread_mutex_init(&service->lock, NULL);
    if (!fm_http_open(&options, &handler, http, err)) {
        closed(service);
        return false;
    }
    return true;
}
