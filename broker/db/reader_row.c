/*
 * The columns of the statements whose rows become structs: see reader_row.h. reader_key.sql's
 * columns begin a row of reader_look.sql (a job's follow) and of reader_count.sql (two counts
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
    LOOK_POOL, /* from here on: in reader_look.sql alone */
    LOOK_LANE,
};

enum count_column { COUNT_QUEUED, COUNT_RUNNING };

/* A row, and the column that the part to read begins at. */
struct place {
    struct fm_db_rows *rows;
    size_t row;
    int first;
    struct fm_arena *arena;
};

static bool is_null(const struct place *at, int column)
{
    return fm_db_is_null(at->rows, at->row, at->first + column);
}

static int64_t integer(const struct place *at, int column)
{
    return fm_db_integer(at->rows, at->row, at->first + column);
}

static bool boolean(const struct place *at, int column)
{
    return fm_db_bool(at->rows, at->row, at->first + column);
}

static struct fm_id id(const struct place *at, int column)
{
    return fm_db_id(at->rows, at->row, at->first + column);
}

static const char *copy_text(const struct place *at, int column)
{
    if (is_null(at, column)) {
        return NULL;
    }
    const char *text = fm_db_text(at->rows, at->row, at->first + column);
    return fm_arena_strndup(at->arena, text, strlen(text));
}

static struct fm_slice copy_bytes(const struct place *at, int column)
{
    struct fm_slice bytes = fm_db_bytes(at->rows, at->row, at->first + column);
    if (bytes.length == 0) {
        return (struct fm_slice){0};
    }
    char *copy = fm_arena_alloc(at->arena, bytes.length);
    memcpy(copy, bytes.data, bytes.length);
    return (struct fm_slice){.data = copy, .length = bytes.length};
}

static void read_key(const struct place *at, struct fm_reader_lookup *look)
{
    look->has_key = !is_null(at, KEY_ID);
    if (!look->has_key) {
        return;
    }
    look->key_id = id(at, KEY_ID);
    look->key_account = id(at, KEY_ACCOUNT);
    look->scopes = (unsigned)integer(at, KEY_SCOPES);
    look->key_name = copy_text(at, KEY_NAME);
    look->key_last4 = copy_text(at, KEY_LAST4);
    look->account_name = copy_text(at, ACCOUNT_NAME);
    look->plan = copy_text(at, ACCOUNT_PLAN);
    look->key_expires_at_us = integer(at, KEY_EXPIRES_AT);
    look->is_operator = boolean(at, ACCOUNT_IS_OPERATOR);
}

/* A job is scheduled while the start time that its client set is ahead. A start time after a failed
 * try is a backoff: the job is queued. */
static void read_live(const struct place *at, struct fm_reader_job *job)
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

static void read_done(const struct place *at, struct fm_reader_job *job)
{
    job->state = (enum fm_state)integer(at, DONE_OUTCOME);
    job->error = (enum fm_error_code)integer(at, DONE_ERROR);
    job->lease = (uint64_t)integer(at, DONE_LEASE);
    job->result = copy_bytes(at, DONE_RESULT);
    job->completed_at_us = integer(at, DONE_COMPLETED_AT);
    job->expires_at_us = integer(at, DONE_EXPIRES_AT);
}

static bool read_job(const struct place *at, struct fm_reader_job *job)
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
    const struct place at = {rows, row, 0, arena};
    *job = (struct fm_reader_job){.ahead = -1};
    return read_job(&at, job);
}

void fm_reader_row_read(struct fm_reader_lookup *look, struct fm_db_rows *rows, size_t row)
{
    look->arena = fm_alloc(sizeof(*look->arena));
    look->failure = FM_NONE;
    const struct place key = {rows, row, 0, look->arena};
    const struct place more = {rows, row, KEY_COLUMN_COUNT, look->arena};
    read_key(&key, look);
    if (look->wants_job) {
        look->has_job = read_job(&more, &look->found);
        look->found.pool = copy_text(&more, LOOK_POOL);
        look->found.lane = (unsigned)integer(&more, LOOK_LANE);
    } else if (look->wants_counts) {
        look->queued_jobs = (uint64_t)integer(&more, COUNT_QUEUED);
        look->running_jobs = (uint64_t)integer(&more, COUNT_RUNNING);
    }
}
