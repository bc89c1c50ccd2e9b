/* The columns of reader_look.sql, in their order, and what they become. */
#include "broker/reader_row.h"

#include <string.h>

enum column {
    KEY_ID,
    KEY_ACCOUNT,
    KEY_SCOPES,
    KEY_NAME,
    KEY_LAST4,
    ACCOUNT_NAME,
    ACCOUNT_PLAN,
    KEY_EXPIRES_AT,
    ACCOUNT_IS_OPERATOR,
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
    COUNT_QUEUED,
    COUNT_RUNNING,
};

static const char *copy_text(struct fm_reader_look *look, struct fm_db_rows *rows, size_t row,
                             enum column column)
{
    if (fm_db_is_null(rows, row, (int)column)) {
        return NULL;
    }
    const char *text = fm_db_text(rows, row, (int)column);
    return fm_arena_strndup(look->arena, text, strlen(text));
}

static struct fm_slice copy_bytes(struct fm_reader_look *look, struct fm_db_rows *rows, size_t row,
                                  enum column column)
{
    struct fm_slice bytes = fm_db_bytes(rows, row, (int)column);
    if (bytes.length == 0) {
        return (struct fm_slice){0};
    }
    char *copy = fm_arena_alloc(look->arena, bytes.length);
    memcpy(copy, bytes.data, bytes.length);
    return (struct fm_slice){.data = copy, .length = bytes.length};
}

static void read_key(struct fm_reader_look *look, struct fm_db_rows *rows, size_t row)
{
    look->has_key = !fm_db_is_null(rows, row, KEY_ID);
    if (!look->has_key) {
        return;
    }
    look->key_id = fm_db_id(rows, row, KEY_ID);
    look->key_account = fm_db_id(rows, row, KEY_ACCOUNT);
    look->scopes = (unsigned)fm_db_integer(rows, row, KEY_SCOPES);
    look->key_name = copy_text(look, rows, row, KEY_NAME);
    look->key_last4 = copy_text(look, rows, row, KEY_LAST4);
    look->account_name = copy_text(look, rows, row, ACCOUNT_NAME);
    look->plan = copy_text(look, rows, row, ACCOUNT_PLAN);
    look->key_expires_at_us = fm_db_integer(rows, row, KEY_EXPIRES_AT);
    look->is_operator = fm_db_bool(rows, row, ACCOUNT_IS_OPERATOR);
}

/* Its own time is ahead: scheduled. A time that a failed try set is none of its own. */
static void read_live(struct fm_reader_look *look, struct fm_db_rows *rows, size_t row)
{
    struct fm_reader_job *job = &look->found;
    bool is_due = fm_db_bool(rows, row, LIVE_IS_DUE);
    bool has_failed = fm_db_integer(rows, row, LIVE_TRIES) > 0;
    job->run_at_us = fm_db_integer(rows, row, LIVE_RUN_AT);
    job->state = is_due || has_failed ? FM_STATE_QUEUED : FM_STATE_SCHEDULED;
    job->is_retry = !is_due && has_failed;
    if (fm_db_bool(rows, row, LIVE_IS_LEASED)) {
        job->state = FM_STATE_RUNNING;
        job->is_retry = false;
        job->progress = copy_bytes(look, rows, row, LIVE_PROGRESS);
    }
}

static void read_done(struct fm_reader_look *look, struct fm_db_rows *rows, size_t row)
{
    struct fm_reader_job *job = &look->found;
    job->state = (enum fm_state)fm_db_integer(rows, row, DONE_OUTCOME);
    job->error = (enum fm_error_code)fm_db_integer(rows, row, DONE_ERROR);
    job->lease = (uint64_t)fm_db_integer(rows, row, DONE_LEASE);
    job->result = copy_bytes(look, rows, row, DONE_RESULT);
    job->completed_at_us = fm_db_integer(rows, row, DONE_COMPLETED_AT);
    job->expires_at_us = fm_db_integer(rows, row, DONE_EXPIRES_AT);
}

static void read_job(struct fm_reader_look *look, struct fm_db_rows *rows, size_t row)
{
    struct fm_reader_job *job = &look->found;
    bool is_done = !fm_db_is_null(rows, row, DONE_OUTCOME);
    look->has_job = is_done || !fm_db_is_null(rows, row, LIVE_RUN_AT);
    if (!look->has_job) {
        return;
    }
    job->id = fm_db_id(rows, row, JOB_ID);
    job->account = fm_db_id(rows, row, JOB_ACCOUNT);
    job->key = fm_db_id(rows, row, JOB_KEY);
    job->batch = fm_db_id(rows, row, JOB_BATCH);
    job->retry_of = fm_db_id(rows, row, JOB_RETRY_OF);
    job->spec = copy_bytes(look, rows, row, JOB_SPEC);
    job->starts = (unsigned)fm_db_integer(rows, row, STARTS);
    job->max_attempts = (unsigned)fm_db_integer(rows, row, MAX_TRIES);
    job->started_at_us = fm_db_integer(rows, row, STARTED_AT);
    job->node = copy_text(look, rows, row, NODE_NAME);
    if (is_done) {
        read_done(look, rows, row);
    } else {
        read_live(look, rows, row);
    }
}

void fm_reader_row_read(struct fm_reader_look *look, struct fm_db_rows *rows, size_t row)
{
    look->arena = fm_alloc(sizeof(*look->arena));
    look->failure = FM_NONE;
    read_key(look, rows, row);
    read_job(look, rows, row);
    look->queued_jobs = (uint64_t)fm_db_integer(rows, row, COUNT_QUEUED);
    look->running_jobs = (uint64_t)fm_db_integer(rows, row, COUNT_RUNNING);
}
