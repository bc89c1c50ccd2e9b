/*
 * A few threads with a connection each: see reader.h. A thread whose connection is up takes all
 * waiting lookups of one kind and asks them in one statement. While a thread asks, the others
 * leave new lookups to it, so that many share the cost of a statement; they help once a
 * lookup has waited SHARE_MS. A batch that is not answered in time goes back to the head of the
 * list for another thread, and its connection is dropped. A lookup that has waited PATIENCE_MS
 * fails with UNAVAILABLE: a database that is away never allows a request, and never holds it for
 * good.
 */
#include "broker/db/reader.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <utlist.h>

#include "broker/db/db.h"
#include "broker/db/reader_row.h"
#include "broker/metrics/metrics.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"
#include "sql/sql.h"

#define THREADS_MAX 8
#define BATCH_MAX 256
#define ANSWER_MS 900
#define PATIENCE_MS 2000
#define CONNECT_MS 200 /* one attempt at connecting; then impatient lookups are failed */
#define SHARE_MS 2
#define IDLE_MS 1000 /* an idle connection is pinged this often */
#define READY_MS 3000
#define ARRAYS 3 /* digests, accounts, jobs; then the jobs' bounds */
#define PARAMETERS 5
#define QUERY_MS 5000

struct fm_reader {
    char *url;
    unsigned thread_count;
    pthread_t threads[THREADS_MAX];
    pthread_mutex_t mutex;
    pthread_cond_t has_work;
    struct fm_reader_lookup *first;
    struct fm_reader_lookup **tail;
    struct fm_reader_query *queries; /* utlist */
    unsigned querying;               /* threads that run a query */
    unsigned asking;                 /* threads that ask a batch of lookups */
    bool is_watched;                 /* a thread checks every SHARE_MS whether to help */
    bool is_stopped;
    atomic_int_least64_t answered_at_ms; /* when a statement was answered last */
};

/* The kinds of lookup, and the cheapest statement that answers each. */
enum kind { OF_KEY, OF_JOB, OF_COUNTS };
static const struct {
    const char *sql;
    size_t parameter_count;
} statements[] = {[OF_KEY] = {fm_sql_reader_key, 1},
                  [OF_JOB] = {fm_sql_reader_job, PARAMETERS},
                  [OF_COUNTS] = {fm_sql_reader_count, 1}};

struct batch {
    struct fm_reader_lookup *lookups[BATCH_MAX]; /* of one kind */
    size_t count;
    enum kind kind;
    struct fm_reader_query *query; /* instead of lookups, or NULL */
    struct fm_text texts[PARAMETERS];
};

static void find_tail(struct fm_reader *reader)
{
    reader->tail = &reader->first;
    while (*reader->tail != NULL) {
        reader->tail = &(*reader->tail)->next;
    }
}

static void fail_lookups(struct fm_reader_lookup *lookup)
{
    while (lookup != NULL) {
        struct fm_reader_lookup *next = lookup->next;
        lookup->failure = FM_UNAVAILABLE;
        lookup->done(lookup);
        lookup = next;
    }
}

static void fail_queries(struct fm_reader_query *query)
{
    while (query != NULL) {
        struct fm_reader_query *next = query->next;
        query->failure = FM_UNAVAILABLE;
        query->done(query);
        query = next;
    }
}

static struct fm_reader_query *remove_impatient_queries(struct fm_reader *reader, int64_t now_ms)
{
    struct fm_reader_query *impatient = NULL, *query, *next;
    LL_FOREACH_SAFE (reader->queries, query, next) {
        if (now_ms - query->asked_at_ms >= QUERY_MS) {
            LL_DELETE(reader->queries, query);
            LL_PREPEND(impatient, query);
        }
    }
    return impatient;
}

static struct fm_reader_lookup *remove_impatient_lookups(struct fm_reader *reader, int64_t now_ms)
{
    struct fm_reader_lookup *impatient = NULL, **at = &reader->first;
    while (*at != NULL) {
        struct fm_reader_lookup *lookup = *at;
        if (now_ms - lookup->asked_at_ms >= PATIENCE_MS) {
            *at = lookup->next;
            lookup->next = impatient;
            impatient = lookup;
        } else {
            at = &lookup->next;
        }
    }
    find_tail(reader);
    return impatient;
}

static void fail_impatient(struct fm_reader *reader)
{
    pthread_mutex_lock(&reader->mutex);
    struct fm_reader_lookup *impatient = remove_impatient_lookups(reader, fm_clock_ms());
    struct fm_reader_query *queries = remove_impatient_queries(reader, fm_clock_ms());
    pthread_mutex_unlock(&reader->mutex);
    fail_lookups(impatient);
    fail_queries(queries);
}

static bool may_query(const struct fm_reader *reader)
{
    unsigned most = reader->thread_count > 1 ? reader->thread_count - 1 : 1;
    return reader->queries != NULL && reader->querying < most;
}

/* Under the mutex. */
static bool may_look_up(const struct fm_reader *reader)
{
    return reader->first != NULL &&
           (reader->asking == 0 || fm_clock_ms() - reader->first->asked_at_ms >= SHARE_MS);
}

static enum kind kind_of(const struct fm_reader_lookup *lookup)
{
    return lookup->wants_job ? OF_JOB : lookup->wants_counts ? OF_COUNTS : OF_KEY;
}

/* Under the mutex: takes the waiting lookups that are of the same kind as the first. */
static void take_lookups(struct fm_reader *reader, struct batch *batch)
{
    struct fm_reader_lookup **at = &reader->first;
    batch->kind = *at != NULL ? kind_of(*at) : OF_KEY;
    while (*at != NULL && batch->count < BATCH_MAX) {
        struct fm_reader_lookup *lookup = *at;
        if (kind_of(lookup) == batch->kind) {
            *at = lookup->next;
            batch->lookups[batch->count++] = lookup;
        } else {
            at = &lookup->next;
        }
    }
    find_tail(reader);
    reader->asking += batch->count > 0 ? 1 : 0;
}

/* Under the mutex: takes a query if one may run, and if no lookup waits or this thread's last
 * turn was for lookups; otherwise takes lookups. */
static void take_work(struct fm_reader *reader, struct batch *batch)
{
    bool had_lookups = batch->count > 0;
    batch->count = 0;
    batch->query =
        may_query(reader) && (had_lookups || reader->first == NULL) ? reader->queries : NULL;
    if (batch->query != NULL) {
        LL_DELETE(reader->queries, batch->query);
        reader->querying++;
        return;
    }
    take_lookups(reader, batch);
}

static void add_ms(struct timespec *time, long ms)
{
    time->tv_nsec += ms * 1000000L;
    time->tv_sec += time->tv_nsec / 1000000000L;
    time->tv_nsec %= 1000000000L;
}

/* Under the mutex: waits for work, IDLE_MS at most. While another thread asks, one waiting thread
 * wakes every SHARE_MS to check whether to help. */
static void wait_for_work(struct fm_reader *reader)
{
    struct timespec idle;
    clock_gettime(CLOCK_MONOTONIC, &idle);
    add_ms(&idle, IDLE_MS);
    int late = 0;
    while (!reader->is_stopped && !may_look_up(reader) && !may_query(reader) && late == 0) {
        bool is_watch = reader->asking > 0 && !reader->is_watched;
        struct timespec until = idle;
        if (is_watch) {
            clock_gettime(CLOCK_MONOTONIC, &until);
            add_ms(&until, SHARE_MS);
            reader->is_watched = true;
        }
        late = pthread_cond_timedwait(&reader->has_work, &reader->mutex, &until);
        if (is_watch) {
            reader->is_watched = false;
            late = 0;
        }
    }
}

/* False once the reader stops. */
static bool take_batch(struct fm_reader *reader, struct batch *batch)
{
    pthread_mutex_lock(&reader->mutex);
    wait_for_work(reader);
    bool goes_on = !reader->is_stopped;
    if (goes_on) {
        take_work(reader, batch);
    } else {
        batch->count = 0;
    }
    pthread_mutex_unlock(&reader->mutex);
    return goes_on;
}

static void give_back_batch(struct fm_reader *reader, struct batch *batch)
{
    pthread_mutex_lock(&reader->mutex);
    while (batch->count > 0) {
        struct fm_reader_lookup *lookup = batch->lookups[--batch->count];
        lookup->next = reader->first;
        reader->first = lookup;
    }
    find_tail(reader);
    reader->asking--;
    pthread_cond_broadcast(&reader->has_work);
    pthread_mutex_unlock(&reader->mutex);
}

static void put_lookup(struct batch *batch, const struct fm_reader_lookup *lookup)
{
    struct fm_slice digest = {.data = lookup->has_digest ? (const char *)lookup->digest : NULL,
                              .length = sizeof(lookup->digest)};
    fm_db_array_bytes(&batch->texts[0], digest);
    fm_db_array_id(&batch->texts[1], &lookup->account);
    fm_db_array_id(&batch->texts[2], &lookup->job);
}

/* The least and the greatest job id: ids grow with time, so PostgreSQL reads only the partitions of
 * these days. */
static void put_bounds(struct batch *batch)
{
    struct fm_id bounds[2] = {batch->lookups[0]->job, batch->lookups[0]->job};
    for (size_t i = 1; i < batch->count; i++) {
        const struct fm_id *job = &batch->lookups[i]->job;
        bounds[0] = fm_id_compare(job, &bounds[0]) < 0 ? *job : bounds[0];
        bounds[1] = fm_id_compare(job, &bounds[1]) > 0 ? *job : bounds[1];
    }
    for (size_t i = 0; i < FM_COUNT(bounds); i++) {
        char uuid[FM_ID_UUID_SIZE];
        fm_id_to_uuid(&bounds[i], uuid);
        fm_text_clear(&batch->texts[ARRAYS + i]);
        fm_text_append(&batch->texts[ARRAYS + i], uuid);
    }
}

static bool ask_batch(struct fm_db *db, struct batch *batch, struct fm_db_rows **rows,
                      struct fm_error *err)
{
    const char *parameters[PARAMETERS];
    int lengths[PARAMETERS];
    fm_db_array_open(&batch->texts[0], FM_DB_BYTEA);
    fm_db_array_open(&batch->texts[1], FM_DB_UUID);
    fm_db_array_open(&batch->texts[2], FM_DB_UUID);
    for (size_t i = 0; i < batch->count; i++) {
        put_lookup(batch, batch->lookups[i]);
    }
    put_bounds(batch);
    fm_db_parameters(batch->texts, PARAMETERS, parameters, lengths);
    struct fm_db_call call = {.sql = statements[batch->kind].sql,
                              .parameters = parameters,
                              .lengths = lengths,
                              .count = statements[batch->kind].parameter_count};
    if (!fm_db_run_call(db, &call, fm_clock_ms() + ANSWER_MS, rows, err)) {
        return false;
    }
    if (fm_db_rows_count(*rows) != batch->count) {
        fm_db_rows_destroy(rows);
        return fm_fail(err, FM_DATABASE, "lookup: the answer lacks rows");
    }
    return true;
}

/* A failed query is not tried again: a statement that is too slow is too slow on every connection.
 */
static void serve_query(struct fm_reader *reader, struct fm_db *db, struct fm_reader_query *query)
{
    struct fm_error err = {0};
    if (!fm_db_run_call(db, &query->call, fm_clock_ms() + QUERY_MS, &query->rows, &err)) {
        fm_log(FM_LOG_WARNING, "query_failed", "detail=\"%s\"", err.detail);
        query->failure = err.code == FM_DATABASE ? FM_DATABASE : FM_UNAVAILABLE;
    }
    pthread_mutex_lock(&reader->mutex);
    reader->querying--;
    pthread_cond_signal(&reader->has_work);
    pthread_mutex_unlock(&reader->mutex);
    if (query->failure == FM_UNAVAILABLE) {
        fm_db_drop(db);
    }
    query->done(query);
}

static void serve_batch(struct fm_reader *reader, struct fm_db *db, struct batch *batch)
{
    struct fm_db_rows *rows = NULL;
    struct fm_error err = {0};
    int64_t asked_us = fm_clock_us();
    if (!ask_batch(db, batch, &rows, &err)) {
        fm_log(FM_LOG_WARNING, "lookup_failed", "detail=\"%s\"", err.detail);
        fm_db_drop(db);
        give_back_batch(reader, batch);
        fail_impatient(reader);
        return;
    }
    atomic_store(&reader->answered_at_ms, fm_clock_ms());
    fm_metrics_time(FM_METRIC_READER_SECONDS, fm_clock_us() - asked_us);
    fm_metrics_size(FM_METRIC_READER_LOOKS, batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        fm_reader_row_read(batch->lookups[i], rows, i);
        batch->lookups[i]->done(batch->lookups[i]);
    }
    fm_db_rows_destroy(&rows);
    pthread_mutex_lock(&reader->mutex);
    reader->asking--;
    pthread_mutex_unlock(&reader->mutex);
}

/* Connects if needed; true when the connection answers a ping. */
static bool is_answering(struct fm_reader *reader, struct fm_db *db, int64_t patience_ms)
{
    struct fm_error err = {0};
    bool is_up =
        fm_db_run(db, fm_sql_reader_ping, NULL, 0, fm_clock_ms() + patience_ms, NULL, &err);
    if (is_up) {
        atomic_store(&reader->answered_at_ms, fm_clock_ms());
    }
    return is_up;
}

static bool is_stopped(struct fm_reader *reader)
{
    pthread_mutex_lock(&reader->mutex);
    bool has_stopped = reader->is_stopped;
    pthread_mutex_unlock(&reader->mutex);
    return has_stopped;
}

static void read_on(struct fm_reader *reader, struct fm_db *db, struct batch *batch)
{
    while (!is_stopped(reader)) {
        enum fm_db_state state = fm_db_pump(db);
        bool is_up = state == FM_DB_IDLE || state == FM_DB_ANSWERED;
        if (!is_up && !is_answering(reader, db, CONNECT_MS)) {
            fail_impatient(reader);
        } else if (take_batch(reader, batch) && batch->query != NULL) {
            serve_query(reader, db, fm_steal(batch->query));
        } else if (batch->count > 0) {
            serve_batch(reader, db, batch);
        } else {
            is_answering(reader, db, ANSWER_MS);
        }
    }
}

static void *run_thread(void *argument)
{
    struct fm_reader *reader = argument;
    struct fm_db *db = fm_db_new(reader->url, FM_DB_READ);
    struct batch *batch = fm_alloc(sizeof(*batch));
    read_on(reader, db, batch);
    for (size_t i = 0; i < PARAMETERS; i++) {
        fm_text_done(&batch->texts[i]);
    }
    free(batch);
    fm_db_close(&db);
    return NULL;
}

static void init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
}

struct fm_reader *fm_reader_new(const char *database_url, unsigned threads)
{
    struct fm_reader *reader = fm_alloc(sizeof(*reader));
    reader->url = fm_strdup(database_url);
    reader->tail = &reader->first;
    reader->thread_count = threads < THREADS_MAX ? threads : THREADS_MAX;
    atomic_init(&reader->answered_at_ms, fm_clock_ms() - READY_MS);
    pthread_mutex_init(&reader->mutex, NULL);
    init_condition(&reader->has_work);
    for (unsigned i = 0; i < reader->thread_count; i++) {
        if (pthread_create(&reader->threads[i], NULL, run_thread, reader) != 0) {
            abort();
        }
    }
    return reader;
}

void fm_reader_destroy(struct fm_reader **reader)
{
    struct fm_reader *gone = *reader;
    if (gone == NULL) {
        return;
    }
    *reader = NULL;
    pthread_mutex_lock(&gone->mutex);
    gone->is_stopped = true;
    pthread_cond_broadcast(&gone->has_work);
    pthread_mutex_unlock(&gone->mutex);
    for (unsigned i = 0; i < gone->thread_count; i++) {
        pthread_join(gone->threads[i], NULL);
    }
    fail_lookups(gone->first);
    fail_queries(gone->queries);
    pthread_cond_destroy(&gone->has_work);
    pthread_mutex_destroy(&gone->mutex);
    free(gone->url);
    free(gone);
}

void fm_reader_look_up(struct fm_reader *reader, struct fm_reader_lookup *lookup)
{
    lookup->next = NULL;
    lookup->asked_at_ms = fm_clock_ms();
    pthread_mutex_lock(&reader->mutex);
    /* The thread that was signaled for the first lookup takes all that wait by then; while a
     * thread asks, the watching thread notices new ones. */
    bool is_seen = reader->asking > 0 ? reader->is_watched : reader->first != NULL;
    *reader->tail = lookup;
    reader->tail = &lookup->next;
    if (!is_seen) {
        pthread_cond_signal(&reader->has_work);
    }
    pthread_mutex_unlock(&reader->mutex);
}

void fm_reader_query(struct fm_reader *reader, struct fm_reader_query *query)
{
    query->asked_at_ms = fm_clock_ms();
    pthread_mutex_lock(&reader->mutex);
    LL_APPEND(reader->queries, query);
    pthread_cond_signal(&reader->has_work);
    pthread_mutex_unlock(&reader->mutex);
}

void fm_reader_lookup_done(struct fm_reader_lookup *lookup)
{
    if (lookup->arena != NULL) {
        fm_arena_done(lookup->arena);
        free(fm_steal(lookup->arena));
    }
}

bool fm_reader_is_ready(const struct fm_reader *reader)
{
    return fm_clock_ms() - atomic_load(&reader->answered_at_ms) < READY_MS;
}
