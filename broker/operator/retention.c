/* One thread that makes a pass over the three kinds of leftovers, then rests: see retention.h. */
#include "broker/operator/retention.h"

#include <pthread.h>
#include <time.h>

#include "broker/db/db.h"
#include "broker/db/partition.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"
#include "sql/sql.h"

#define LONGEST_PAUSE_S 60         /* between passes */
#define PATIENCE_MS 30000          /* for connecting, and for each statement */
#define SWEPT_A_PASS 256           /* attempts that one statement checks */
#define PARTITION_EVERY_MS 3600000 /* partitions are days; an hour late does no harm */
#define ASKED_MAX 3                /* the most parameters of a statement in this file */

struct fm_retention {
    const struct fm_broker_settings *settings;
    struct fm_store *store;
    struct fm_db *db;
    int64_t partition_at_ms, sweep_at_ms; /* when each is next due; 0: at once */
    pthread_t thread;
    pthread_mutex_t lock; /* guards is_stopping; all else is the thread's own */
    pthread_cond_t wake;
    bool is_stopping;
};

static bool run_query(struct fm_retention *retention, const char *sql, const struct fm_text *asked,
                      size_t count, struct fm_db_rows **rows, struct fm_error *err)
{
    const char *parameters[ASKED_MAX];
    int lengths[ASKED_MAX];
    fm_db_parameters(asked, count, parameters, lengths);
    struct fm_db_call call = {
        .sql = sql, .parameters = parameters, .lengths = lengths, .count = count};
    return fm_db_run_call(retention->db, &call, fm_clock_ms() + PATIENCE_MS, rows, err);
}

/* ---- partitions ---- */

/* Coming partitions are made before old ones are dropped: without one, no job could be stored. */
static bool keep_partitions(struct fm_retention *retention, struct fm_error *err)
{
    int64_t now = fm_clock_ms();
    if (now < retention->partition_at_ms) {
        return true;
    }
    if (!fm_partition_make(retention->db, err) ||
        !fm_partition_drop(retention->db, (unsigned)retention->settings->job_days, err)) {
        return false;
    }
    retention->partition_at_ms = now + PARTITION_EVERY_MS;
    return true;
}

/* ---- expired files: the bytes first, then the row, so that no bytes are left without a row ----
 */

static void object_of(const struct fm_db_rows *rows, size_t row, struct fm_store_object *object)
{
    *object = (struct fm_store_object){
        .account = fm_db_id(rows, row, 1),
        .job = fm_db_id(rows, row, 2),
        .lease = (uint64_t)fm_db_integer(rows, row, 3),
    };
    size_t i = 0;
    for (const char *name = fm_db_text(rows, row, 4); name[i] && i + 1 < sizeof object->name; i++) {
        object->name[i] = name[i];
    }
}

static bool expire_some(struct fm_retention *retention, size_t *count, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *none = NULL;
    FM_AUTO(fm_text_done) struct fm_text ids = {0};
    if (!run_query(retention, fm_sql_file_expired, NULL, 0, &rows, err)) {
        return false;
    }
    *count = fm_db_rows_count(rows);
    fm_db_array_open(&ids, FM_DB_UUID);
    for (size_t i = 0; i < *count; i++) {
        struct fm_store_object object;
        object_of(rows, i, &object);
        if (!fm_store_remove(retention->store, &object, err)) {
            return false;
        }
        struct fm_id id = fm_db_id(rows, i, 0);
        fm_db_array_id(&ids, &id);
    }
    if (*count) {
        fm_log(FM_LOG_INFO, "files_expired", "count=%zu", *count);
    }
    return *count == 0 || run_query(retention, fm_sql_file_forget, &ids, 1, &none, err);
}

static bool is_stopping(struct fm_retention *retention)
{
    pthread_mutex_lock(&retention->lock);
    bool is = retention->is_stopping;
    pthread_mutex_unlock(&retention->lock);
    return is;
}

/* Repeats until none is left: after a busy day, files expire faster than one statement per pass can
 * remove them. */
static bool expire_files(struct fm_retention *retention, struct fm_error *err)
{
    size_t count = 1;
    bool ok = true;
    while (ok && count > 0 && !is_stopping(retention)) {
        ok = expire_some(retention, &count, err);
    }
    return ok;
}

/* ---- orphans: stored attempts that no file row names and no lease holds ---- */

struct sweep {
    struct fm_retention *retention;
    struct fm_store_object attempts[SWEPT_A_PASS];
    size_t count;
    bool ok;
    struct fm_error *err;
};

static bool remove_orphans(struct sweep *sweep, const struct fm_db_rows *rows)
{
    for (size_t i = 0; i < fm_db_rows_count(rows); i++) {
        size_t place = (size_t)fm_db_integer(rows, i, 0) - 1;
        if (place < sweep->count && !fm_store_remove_attempt(sweep->retention->store,
                                                             &sweep->attempts[place], sweep->err)) {
            return false;
        }
    }
    if (fm_db_rows_count(rows)) {
        fm_log(FM_LOG_INFO, "attempts_swept", "count=%zu", fm_db_rows_count(rows));
    }
    return true;
}

/* Asks the database which of the collected attempts are orphans, and removes those. */
static bool remove_orphaned(struct sweep *sweep)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    struct fm_text asked[ASKED_MAX] = {0};
    fm_db_array_open(&asked[0], FM_DB_UUID);
    fm_db_array_open(&asked[1], FM_DB_UUID);
    fm_db_array_open(&asked[2], FM_DB_BIGINT);
    for (size_t i = 0; i < sweep->count; i++) {
        fm_db_array_id(&asked[0], &sweep->attempts[i].account);
        fm_db_array_id(&asked[1], &sweep->attempts[i].job);
        fm_db_array_number(&asked[2], (int64_t)sweep->attempts[i].lease);
    }
    sweep->ok =
        run_query(sweep->retention, fm_sql_file_orphans, asked, ASKED_MAX, &rows, sweep->err) &&
        remove_orphans(sweep, rows);
    for (size_t i = 0; i < ASKED_MAX; i++) {
        fm_text_done(&asked[i]);
    }
    sweep->count = 0;
    return sweep->ok;
}

/* Called by the store's walk with each old attempt; false ends the walk. */
static bool visit(void *context, const struct fm_store_object *attempt)
{
    struct sweep *sweep = context;
    sweep->attempts[sweep->count++] = *attempt;
    return sweep->count < SWEPT_A_PASS || remove_orphaned(sweep);
}

/* This walks the whole store, so it runs only every half sweep_age_seconds; an orphan is removed at
 * most that much later than it could be. Attempts younger than a worker's signed URL are skipped:
 * their files may still be arriving. */
static bool sweep_attempts(struct fm_retention *retention, struct fm_error *err)
{
    int64_t sweep_age_s = (int64_t)retention->settings->sweep_age_seconds;
    int64_t age_s = (int64_t)retention->settings->worker_url_seconds + sweep_age_s;
    int64_t now = fm_clock_ms();
    if (now < retention->sweep_at_ms) {
        return true;
    }
    FM_AUTO_FREE struct sweep *sweep = fm_alloc(sizeof *sweep);
    sweep->retention = retention;
    sweep->ok = true;
    sweep->err = err;
    bool ok = fm_store_walk(retention->store, age_s, visit, sweep, err) && sweep->ok &&
              (sweep->count == 0 || remove_orphaned(sweep));
    retention->sweep_at_ms = ok ? now + sweep_age_s * 500 : 0;
    return ok;
}

/* ---- the thread ---- */

static bool connect_database(struct fm_retention *retention, struct fm_error *err)
{
    const char *url = retention->settings->database_url;
    return retention->db ||
           fm_db_open(url, FM_DB_ADMIN, fm_clock_ms() + PATIENCE_MS, &retention->db, err);
}

/* A work that fails does not keep the others from their turn; it closes the connection, which the
 * next one opens again. */
static void pass(struct fm_retention *retention)
{
    static bool (*const works[])(struct fm_retention *, struct fm_error *) = {
        keep_partitions, expire_files, sweep_attempts};
    for (size_t i = 0; i < FM_COUNT(works) && !is_stopping(retention); i++) {
        struct fm_error err = {0};
        if (connect_database(retention, &err) && works[i](retention, &err)) {
            continue;
        }
        fm_log_failure("retention", &err);
        fm_db_close(&retention->db);
    }
}

static int64_t pause_s(const struct fm_retention *retention)
{
    int64_t half = (int64_t)retention->settings->sweep_age_seconds / 2;
    if (half > LONGEST_PAUSE_S) {
        return LONGEST_PAUSE_S;
    }
    return half > 0 ? half : 1;
}

/* Rests until the next pass is due. True if it is time to stop. */
static bool rest(struct fm_retention *retention)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += pause_s(retention);
    pthread_mutex_lock(&retention->lock);
    int waited = 0;
    while (!retention->is_stopping && waited == 0) {
        waited = pthread_cond_timedwait(&retention->wake, &retention->lock, &until);
    }
    bool is_stopping = retention->is_stopping;
    pthread_mutex_unlock(&retention->lock);
    return is_stopping;
}

static void *run_retention(void *argument)
{
    struct fm_retention *retention = argument;
    do {
        pass(retention);
    } while (!rest(retention));
    return NULL;
}

struct fm_retention *fm_retention_new(const struct fm_broker_settings *settings,
                                      struct fm_store *store)
{
    struct fm_retention *retention = fm_alloc(sizeof *retention);
    retention->settings = settings;
    retention->store = store;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&retention->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&retention->lock, NULL);
    if (pthread_create(&retention->thread, NULL, run_retention, retention) != 0) {
        fm_memory_release(&retention);
    }
    return retention;
}

void fm_retention_destroy(struct fm_retention **retention)
{
    if (!*retention) {
        return;
    }
    struct fm_retention *old = *retention;
    pthread_mutex_lock(&old->lock);
    old->is_stopping = true;
    pthread_cond_signal(&old->wake);
    pthread_mutex_unlock(&old->lock);
    pthread_join(old->thread, NULL);
    fm_db_close(&old->db);
    pthread_cond_destroy(&old->wake);
    pthread_mutex_destroy(&old->lock);
    fm_memory_release(retention);
}
