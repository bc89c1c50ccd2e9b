/* The transaction of a batch, its retries, and the threads that run it: see batch_writer.h. */
#include "broker/db/batch_writer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/db/copy.h"
#include "common/clock.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/memory.h"
#include "sql/sql.h"

#define THREADS 2
#define OPEN_MAX 32
#define OPEN_OF_ACCOUNT 4
/* Waiting tasks. A task is posted by a request that then waits, so there are no more than
 * connections (max_connections), and one account's tasks never refuse another's. */
#define WAITING_MAX 100000
#define PATIENCE_MS 5000    /* how long a task may take to begin while the database is away */
#define STATEMENT_MS 30000  /* for each statement: a COMMIT of many rows takes long */
#define UNCERTAIN_MS 120000 /* how long to find out whether a commit has happened */

struct fm_batch_writer {
    struct fm_thread_pool *threads;
    struct fm_db *dbs[THREADS]; /* one for each thread */
    pthread_mutex_t lock;
    struct fm_id open[OPEN_MAX]; /* guarded by the lock: the account of each batch that is under
                                    way; zero: free */
};

/* ---- one batch ---- */

static bool run_plain(struct fm_db *db, const char *sql, struct fm_error *err)
{
    return fm_db_run(db, sql, NULL, 0, fm_clock_ms() + STATEMENT_MS, NULL, err);
}

/* *is_new is false when an earlier try has committed the batch. */
static bool add_batch(struct fm_db *db, const struct fm_batch_writer_task *task, bool *is_new,
                      struct fm_error *err)
{
    char id[FM_ID_UUID_SIZE], account[FM_ID_UUID_SIZE], key[FM_ID_UUID_SIZE];
    char first[FM_ID_UUID_SIZE], last[FM_ID_UUID_SIZE], jobs[16];
    uint32_t count = (uint32_t)fm_batch_file_count(task->file);
    struct fm_id end = fm_id_series_at(&task->first, count - 1);
    const char *const parameters[] = {id, account, key, first, last, jobs};
    struct fm_db_rows *rows = NULL;
    fm_id_to_uuid(&task->batch, id);
    fm_id_to_uuid(&task->account, account);
    fm_id_to_uuid(&task->key, key);
    fm_id_to_uuid(&task->first, first);
    fm_id_to_uuid(&end, last);
    snprintf(jobs, sizeof(jobs), "%u", count);
    if (!fm_db_run(db, fm_sql_batch_add, parameters, FM_COUNT(parameters),
                   fm_clock_ms() + STATEMENT_MS, &rows, err)) {
        return false;
    }
    *is_new = fm_db_rows_count(rows) == 1;
    fm_db_rows_destroy(&rows);
    return true;
}

static bool put_job(struct fm_db_copy *copy, const struct fm_batch_writer_task *task,
                    const struct fm_id *id, const struct fm_batch_job *job, struct fm_error *err)
{
    if (!fm_db_copy_row(copy, 7, err)) {
        return false;
    }
    fm_db_copy_id(copy, id);
    fm_db_copy_id(copy, &task->account);
    fm_db_copy_id(copy, &task->key);
    fm_db_copy_small(copy, job->type);
    fm_db_copy_small(copy, job->site);
    fm_db_copy_id(copy, &task->batch);
    fm_db_copy_bytes(copy, job->spec);
    return true;
}

static bool put_live(struct fm_db_copy *copy, const struct fm_batch_writer_task *task,
                     const struct fm_id *id, const struct fm_batch_job *job, struct fm_error *err)
{
    int64_t made_us = fm_id_time_ms(&task->first) * 1000;
    if (!fm_db_copy_row(copy, 9, err)) {
        return false;
    }
    fm_db_copy_id(copy, id);
    fm_db_copy_id(copy, &task->account);
    fm_db_copy_bytes(copy, fm_slice_of(job->pool));
    fm_db_copy_small(copy, job->lane);
    fm_db_copy_small(copy, job->site);
    fm_db_copy_small(copy, job->max_tries);
    fm_db_copy_integer(copy, job->timeout_seconds);
    fm_db_copy_integer(copy, job->expires_seconds);
    fm_db_copy_time(copy, job->run_at_us != 0 ? job->run_at_us : made_us);
    return true;
}

typedef bool put_row(struct fm_db_copy *copy, const struct fm_batch_writer_task *task,
                     const struct fm_id *id, const struct fm_batch_job *job, struct fm_error *err);

static bool copy_rows(struct fm_db *db, const struct fm_batch_writer_task *task, const char *sql,
                      put_row *put, struct fm_error *err)
{
    FM_AUTO(fm_db_copy_done) struct fm_db_copy copy = {0};
    size_t count = fm_batch_file_count(task->file);
    struct fm_batch_job job;
    bool is_good = fm_batch_file_rewind(task->file, err) && fm_db_copy_begin(&copy, db, sql, err);
    for (size_t i = 0; is_good && i < count; i++) {
        struct fm_id id = fm_id_series_at(&task->first, (uint32_t)i);
        is_good = fm_batch_file_next(task->file, &job, err) && put(&copy, task, &id, &job, err);
    }
    return is_good && fm_db_copy_end(&copy, err);
}

/* Any answer to the COMMIT other than success leaves the outcome unknown. */
static bool commit_batch(struct fm_db *db, struct fm_error *err)
{
    fm_fault("batch_copied");
    bool is_good = run_plain(db, fm_sql_batch_commit, err);
    if (!is_good) {
        err->code = FM_DATABASE_UNCERTAIN;
    }
    return is_good;
}

/* Before the COMMIT, or for a statement that may run twice, a lost answer only means "try again":
 * nothing is uncertain. */
static void make_certain(struct fm_error *err)
{
    if (err->code == FM_DATABASE_UNCERTAIN) {
        err->code = FM_UNAVAILABLE;
    }
}

static bool write_batch(struct fm_db *db, const struct fm_batch_writer_task *task,
                        struct fm_error *err)
{
    bool is_new = false;
    bool is_good = run_plain(db, fm_sql_batch_begin, err) && add_batch(db, task, &is_new, err);
    if (is_good && !is_new) {
        fm_db_drop(db);
        return true;
    }
    is_good = is_good && copy_rows(db, task, fm_sql_batch_copy_job, put_job, err) &&
              copy_rows(db, task, fm_sql_batch_copy_live, put_live, err);
    if (!is_good) {
        make_certain(err);
        return false;
    }
    return commit_batch(db, err);
}

static bool mark_canceled(struct fm_db *db, const struct fm_batch_writer_task *task,
                          struct fm_error *err)
{
    char account[FM_ID_UUID_SIZE], id[FM_ID_UUID_SIZE];
    const char *const parameters[] = {account, id};
    fm_id_to_uuid(&task->account, account);
    fm_id_to_uuid(&task->batch, id);
    bool is_good = fm_db_run(db, fm_sql_batch_mark, parameters, FM_COUNT(parameters),
                             fm_clock_ms() + PATIENCE_MS, NULL, err);
    if (!is_good) {
        make_certain(err); /* marking a batch twice is harmless */
    }
    return is_good;
}

/* ---- until the outcome is known ---- */

/* Waits for an answering connection until `until_ms`, or until the task may not go on. */
static bool wait_for_connection(struct fm_db *db, const struct fm_batch_writer_task *task,
                                int64_t until_ms, struct fm_error *err)
{
    bool may_go_on = true;
    while (may_go_on && fm_clock_ms() < until_ms) {
        int64_t soon_ms = fm_clock_ms() + 250;
        if (fm_db_run(db, fm_sql_reader_ping, NULL, 0, soon_ms < until_ms ? soon_ms : until_ms,
                      NULL, err)) {
            return true;
        }
        may_go_on = task->may_go_on == NULL || task->may_go_on(task);
    }
    return fm_fail(err, FM_UNAVAILABLE, "batch_writer: %s", fm_db_trouble(db));
}

static bool is_passing(enum fm_error_code code)
{
    return code == FM_UNAVAILABLE || code == FM_DATABASE_UNCERTAIN;
}

static enum fm_error_code run_task(struct fm_db *db, const struct fm_batch_writer_task *task)
{
    struct fm_error err = {0};
    bool is_uncertain = false, is_done = false;
    int64_t until_ms = fm_clock_ms() + PATIENCE_MS;
    do {
        err = (struct fm_error){0};
        if (!wait_for_connection(db, task, until_ms, &err)) {
            break;
        }
        is_done = (task->kind == FM_BATCH_WRITER_ADD ? write_batch : mark_canceled)(db, task, &err);
        if (!is_done) {
            fm_log(FM_LOG_WARNING, "batch_failed", "detail=\"%s\"", err.detail);
            fm_db_drop(db); /* rolls back a transaction that is still open */
        }
        if (!is_uncertain && err.code == FM_DATABASE_UNCERTAIN) {
            is_uncertain = true;
            until_ms = fm_clock_ms() + UNCERTAIN_MS;
        }
    } while (!is_done && (is_uncertain || is_passing(err.code)));
    if (is_done) {
        fm_fault("batch_committed");
        return FM_NONE;
    }
    return is_uncertain ? FM_DATABASE_UNCERTAIN : err.code;
}

/* ---- the threads ---- */

static void run_posted(struct fm_thread_pool_task *posted, unsigned thread)
{
    struct fm_batch_writer_task *task =
        fm_container_of(posted, struct fm_batch_writer_task, posted);
    task->failure = run_task(task->writer->dbs[thread], task);
    task->done(task);
}

struct fm_batch_writer *fm_batch_writer_new(const char *database_url)
{
    struct fm_batch_writer *writer = fm_alloc(sizeof(*writer));
    for (size_t i = 0; i < THREADS; i++) {
        writer->dbs[i] = fm_db_new(database_url, FM_DB_COPY);
    }
    pthread_mutex_init(&writer->lock, NULL);
    writer->threads = fm_thread_pool_new("batch-writer", THREADS, WAITING_MAX);
    return writer;
}

void fm_batch_writer_destroy(struct fm_batch_writer **writer)
{
    struct fm_batch_writer *it = fm_steal(*writer);
    if (it == NULL) {
        return;
    }
    fm_thread_pool_destroy(&it->threads);
    pthread_mutex_destroy(&it->lock);
    for (size_t i = 0; i < THREADS; i++) {
        fm_db_close(&it->dbs[i]);
    }
    free(it);
}

void fm_batch_writer_post(struct fm_batch_writer *writer, struct fm_batch_writer_task *task)
{
    task->writer = writer;
    task->posted.run = run_posted;
    if (!fm_thread_pool_post(writer->threads, &task->posted)) {
        task->failure = FM_UNAVAILABLE;
        task->done(task);
    }
}

/* ---- how many at once ---- */

bool fm_batch_writer_enter(struct fm_batch_writer *writer, const struct fm_id *account)
{
    struct fm_id *free_entry = NULL;
    size_t own = 0;
    pthread_mutex_lock(&writer->lock);
    for (size_t i = 0; i < OPEN_MAX; i++) {
        own += fm_id_compare(&writer->open[i], account) == 0 ? 1 : 0;
        free_entry = fm_id_is_zero(&writer->open[i]) ? &writer->open[i] : free_entry;
    }
    bool has_room = free_entry != NULL && own < OPEN_OF_ACCOUNT;
    if (has_room) {
        *free_entry = *account;
    }
    pthread_mutex_unlock(&writer->lock);
    return has_room;
}

void fm_batch_writer_leave(struct fm_batch_writer *writer, const struct fm_id *account)
{
    pthread_mutex_lock(&writer->lock);
    for (size_t i = 0; i < OPEN_MAX; i++) {
        if (fm_id_compare(&writer->open[i], account) == 0) {
            writer->open[i] = (struct fm_id){{0}};
            break;
        }
    }
    pthread_mutex_unlock(&writer->lock);
}
