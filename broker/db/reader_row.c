/*
 * The columns of the statements whose rows become structs: see reader_row.h. reader_key.sql's
 * columns begin a row of reader_job.sql (a job's follow) and of reader_count.sql (two counts
 * follow); job_list.sql begins with a job's. Each enum lists the columns in the order of its
 * SELECT: change both together.
 */
#include "broker/db/reader_row.h"

#include <string.h>

enum key_column {
    KEY_ID,
    KEY_ACCOUNT,
    KEY_SCOPES,
    KEY_NAME,
    KEY_LAST4,
    ACCOUNT_NAME,
    ACCOUNT_PLAN,
    KEY_EXPIRES_AT,
    ACCOUNT_IS_OPERATOR,
    KEY_COLUMN_COUNT, /* where the columns of the job or of the counts begin */
};

enum job_column {
    JOB_ID,
    JOB_ACCOUNT,
    JOB_KEY,
    JOB_BATCH,
    JOB_RETRY_OF,
    JOB_SPEC,
    STARTS,
    MAX_TRIES,
    STARTED_AT,
    LIVE_IS_LEASED,
    LIVE_IS_DUE,
    LIVE_TRIES,
    LIVE_PROGRESS,
    LIVE_RUN_AT,
    DONE_OUTCOME,
    DONE_ERROR,
    DONE_LEASE,
    DONE_RESULT,
    DONE_COMPLETED_AT,
    DONE_EXPIRES_AT,
    NODE_NAME,
    JOB_POOL, /* from here on: in reader_job.sql alone */
    JOB_LANE,
};

enum count_column { COUNT_QUEUED, COUNT_RUNNING };

/* A row, and the column that the part to read begins at. */
struct row_part {
    struct fm_db_rows *rows;
    size_t row;
    int first;
    struct fm_arena *arena;
};

static bool is_null(const struct row_part *at, int column)
{
    return fm_db_is_null(at->rows, at->row, at->first + column);
}

static int64_t integer(const struct row_part *at, int column)
{
    return fm_db_integer(at->rows, at->row, at->first + column);
}

static bool boolean(const struct row_part *at, int column)
{
    return fm_db_bool(at->rows, at->row, at->first + column);
}

static struct fm_id id(const struct row_part *at, int column)
{
    return fm_db_id(at->rows, at->row, at->first + column);
}

static const char *copy_text(const struct row_part *at, int column)
{
    if (is_null(at, column)) {
        return NULL;
    }
    const char *text = fm_db_text(at->rows, at->row, at->first + column);
    return fm_arena_strndup(at->arena, text, strlen(text));
}

static struct fm_slice copy_bytes(const struct row_part *at, int column)
{
    struct fm_slice bytes = fm_db_bytes(at->rows, at->row, at->first + column);
    if (bytes.length == 0) {
        return (struct fm_slice){0};
    }
    char *copy = fm_arena_alloc(at->arena, bytes.length);
    memcpy(copy, bytes.data, bytes.length);
    return (struct fm_slice){.data = copy, .length = bytes.length};
}

static void read_key(const struct row_part *at, struct fm_reader_lookup *lookup)
{
    lookup->has_key = !is_null(at, KEY_ID);
    if (!lookup->has_key) {
        return;
    }
    lookup->key_id = id(at, KEY_ID);
    lookup->key_account = id(at, KEY_ACCOUNT);
    lookup->scopes = (unsigned)integer(at, KEY_SCOPES);
    lookup->key_name = copy_text(at, KEY_NAME);
    lookup->key_last4 = copy_text(at, KEY_LAST4);
    lookup->account_name = copy_text(at, ACCOUNT_NAME);
    lookup->plan = copy_text(at, ACCOUNT_PLAN);
    lookup->key_expires_at_us = integer(at, KEY_EXPIRES_AT);
    lookup->is_operator = boolean(at, ACCOUNT_IS_OPERATOR);
}

/* A job is scheduled while the start time that its client set is ahead. A start time after a failed
 * try is a backoff: the job is queued. */
static void read_live(const struct row_part *at, struct fm_reader_job *job)
{
    bool is_due = boolean(at, LIVE_IS_DUE);
    bool has_failed = integer(at, LIVE_TRIES) > 0;
    job->run_at_us = integer(at, LIVE_RUN_AT);
    job->state = is_due || has_failed ? FM_STATE_QUEUED : FM_STATE_SCHEDULED;
    job->is_retry = !is_due && has_failed;
    if (boolean(at, LIVE_IS_LEASED)) {
        job->state = FM_STATE_RUNNING;
        job->is_retry = false;
        job->progress = copy_bytes(at, LIVE_PROGRESS);
    }
}

static void read_done(const struct row_part *at, struct fm_reader_job *job)
{
    job->state = (enum fm_state)integer(at, DONE_OUTCOME);
    job->error = (enum fm_error_code)integer(at, DONE_ERROR);
    job->lease = (uint64_t)integer(at, DONE_LEASE);
    job->result = copy_bytes(at, DONE_RESULT);
    job->completed_at_us = integer(at, DONE_COMPLETED_AT);
    job->expires_at_us = integer(at, DONE_EXPIRES_AT);
}

static bool read_job(const struct row_part *at, struct fm_reader_job *job)
{
    bool is_done = !is_null(at, DONE_OUTCOME);
    if (!is_done && is_null(at, LIVE_RUN_AT)) {
        return false;
    }
    job->id = id(at, JOB_ID);
    job->account = id(at, JOB_ACCOUNT);
    job->key = id(at, JOB_KEY);
    job->batch = id(at, JOB_BATCH);
    job->retry_of = id(at, JOB_RETRY_OF);
    job->spec = copy_bytes(at, JOB_SPEC);
    job->starts = (unsigned)integer(at, STARTS);
    job->max_attempts = (unsigned)integer(at, MAX_TRIES);
    job->started_at_us = integer(at, STARTED_AT);
    job->node = copy_text(at, NODE_NAME);
    if (is_done) {
        read_done(at, job);
    } else {
        read_live(at, job);
    }
    return true;
}

bool fm_reader_row_job(struct fm_db_rows *rows, size_t row, struct fm_arena *arena,
                       struct fm_reader_job *job)
{
    const struct row_part at = {rows, row, 0, arena};
    *job = (struct fm_reader_job){.ahead = -1};
    return read_job(&at, job);
}

void fm_reader_row_read(struct fm_reader_lookup *lookup, struct fm_db_rows *rows, size_t row)
{
    lookup->arena = fm_alloc(sizeof(*lookup->arena));
    lookup->failure = FM_NONE;
    const struct row_part key = {rows, row, 0, lookup->arena};
    const struct row_part more = {rows, row, KEY_COLUMN_COUNT, lookup->arena};
    read_key(&key, lookup);
    if (lookup->wants_job) {
        lookup->has_job = read_job(&more, &lookup->found);
        lookup->found.pool = copy_text(&more, JOB_POOL);
        lookup->found.lane = (unsigned)integer(&more, JOB_LANE);
    } else if (lookup->wants_counts) {
        lookup->queued_jobs = (uint64_t)integer(&more, COUNT_QUEUED);
        lookup->running_jobs = (uint64_t)integer(&more, COUNT_RUNNING);
    }
}
