/*
 * Cancels a batch: each of its jobs that has not ended, one page at a time, through the queue. The
 * key needs the scopes that creating the jobs requires. The batch is first marked as canceled, so
 * its status is right even if this is cut short; a second call then goes on with the rest.
 * Before: a request with its key. After: 200 with the batch; none of its jobs is in `live`.
 * Threads: the request's front thread; the mark is set on a batch writer thread.
 */
#include <stdio.h>
#include <stdlib.h>

#include "broker/api/act.h"
#include "broker/api/batch_cache.h"
#include "broker/api/batch_get.h"
#include "broker/db/batch_writer.h"
#include "broker/request/commit.h"
#include "broker/request/lookup.h"
#include "broker/request/reply.h"
#include "common/clock.h"
#include "common/scope.h"
#include "proto/names.h"
#include "sql/sql.h"

enum stage { STAGE_START, STAGE_TYPES, STAGE_PAGE, STAGE_MARKING, STAGE_POSTED, STAGE_COUNT };

struct cancellation {
    struct fm_suspend *wait; /* the request's */
    /* `behind`: the last job of the page before; "" at first. */
    char account[FM_ID_UUID_SIZE], batch[FM_ID_UUID_SIZE], behind[FM_ID_UUID_SIZE];
    struct fm_batch_writer_task task;
    bool is_marked;
};

static void cancellation_done(struct fm_request *request)
{
    free(request->act);
    request->act = NULL;
}

static enum fm_step refuse_cancel(struct fm_request *request, enum fm_error_code code)
{
    struct fm_error err = {0};
    fm_fail(&err, code, "batch cancel");
    return fm_reply_error(request, &err);
}

/* ---- the scopes: which types of jobs the batch has ---- */

static enum fm_step start_cancel(struct fm_request *request)
{
    char types[2][8];
    if (!fm_batch_get_name(request)) {
        return fm_batch_get_missing(request);
    }
    struct cancellation *it = fm_alloc(sizeof(*it));
    it->wait = &request->wait;
    request->act = it;
    request->act_done = cancellation_done;
    fm_id_to_uuid(&request->lookup.key_account, it->account);
    fm_id_to_uuid(&request->batch, it->batch);
    snprintf(types[0], sizeof(types[0]), "%d", FM_TYPE_FETCH);
    snprintf(types[1], sizeof(types[1]), "%d", FM_TYPE_PROCESS);
    const char *const parameters[] = {it->account, it->batch, types[0], types[1]};
    request->stage = STAGE_TYPES;
    struct fm_db_call call = {
        .sql = fm_sql_batch_types, .parameters = parameters, .count = FM_COUNT(parameters)};
    return fm_lookup_query(request, &call);
}

static enum fm_step ask_page(struct fm_request *request)
{
    const struct cancellation *it = request->act;
    const char *const parameters[] = {it->account, it->batch,
                                      it->behind[0] != '\0' ? it->behind : NULL};
    request->stage = STAGE_PAGE;
    struct fm_db_call call = {
        .sql = fm_sql_batch_live, .parameters = parameters, .count = FM_COUNT(parameters)};
    return fm_lookup_query(request, &call);
}

static enum fm_step judge_types(struct fm_request *request)
{
    struct fm_error err = {0};
    const struct fm_reader_query *query = &request->query;
    if (query->failure != FM_NONE) {
        return refuse_cancel(request, FM_UNAVAILABLE);
    }
    if (fm_db_rows_count(query->rows) == 0) {
        return fm_batch_get_missing(request);
    }
    unsigned needs = (fm_db_bool(query->rows, 0, 0) ? FM_SCOPE_FETCH : 0) |
                     (fm_db_bool(query->rows, 0, 1) ? FM_SCOPE_PROCESS : 0);
    return fm_scope_check(request->lookup.scopes, needs, &err) ? ask_page(request)
                                                               : fm_reply_error(request, &err);
}

/* ---- one page of its jobs ---- */

/* All events of a page are posted before the wait, so the queue can commit them together. A job
 * that ended meanwhile is no error. */
static enum fm_step post_page(struct fm_request *request)
{
    struct cancellation *it = request->act;
    const struct fm_db_rows *rows = request->query.rows;
    size_t count = fm_db_rows_count(rows);
    request->stage = STAGE_POSTED;
    for (size_t i = 0; i < count; i++) {
        struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_CANCEL);
        event->account = request->lookup.key_account;
        event->id = fm_db_id(rows, i, 0);
        fm_commit_post(request, event);
    }
    struct fm_id last = fm_db_id(rows, count - 1, 0);
    fm_id_to_uuid(&last, it->behind);
    return fm_commit_wait(request);
}

/* On a batch writer thread, or within fm_batch_writer_post. */
static void wake_request(struct fm_batch_writer_task *task)
{
    struct cancellation *it = task->context;
    fm_suspend_wake(it->wait);
}

static enum fm_step post_mark(struct fm_request *request)
{
    struct cancellation *it = request->act;
    it->task = (struct fm_batch_writer_task){.kind = FM_BATCH_WRITER_MARK,
                                             .batch = request->batch,
                                             .account = request->lookup.key_account,
                                             .done = wake_request,
                                             .context = it};
    request->stage = STAGE_MARKING;
    fm_suspend_begin(&request->wait, request->exchange);
    fm_batch_writer_post(request->front->batch_writer, &it->task);
    return FM_STEP_WAIT;
}

static enum fm_step judge_mark(struct fm_request *request)
{
    struct cancellation *it = request->act;
    it->is_marked = true;
    return it->task.failure == FM_NONE ? post_page(request)
                                       : refuse_cancel(request, FM_UNAVAILABLE);
}

/* An empty page: all jobs have ended. If that is the first page, the batch had ended before, and is
 * not marked. */
static enum fm_step judge_page(struct fm_request *request)
{
    const struct cancellation *it = request->act;
    if (request->query.failure != FM_NONE) {
        return refuse_cancel(request, FM_UNAVAILABLE);
    }
    if (fm_db_rows_count(request->query.rows) > 0) {
        return it->is_marked ? post_page(request) : post_mark(request);
    }
    request->stage = STAGE_COUNT;
    fm_batch_cache_forget(request->front->batches, &request->batch);
    fm_batch_get_ask(request);
    return FM_STEP_WAIT;
}

static enum fm_step judge_commit(struct fm_request *request)
{
    struct fm_error err = {0};
    return fm_commit_check(request, &err) ? ask_page(request) : fm_reply_error(request, &err);
}

static enum fm_step reply_batch(struct fm_request *request)
{
    return fm_batch_get_answer(request);
}

enum fm_step fm_batch_cancel_act(struct fm_request *request)
{
    static enum fm_step (*const stages[])(struct fm_request *) = {
        [STAGE_START] = start_cancel, [STAGE_TYPES] = judge_types,   [STAGE_PAGE] = judge_page,
        [STAGE_MARKING] = judge_mark, [STAGE_POSTED] = judge_commit, [STAGE_COUNT] = reply_batch,
    };
    return stages[request->stage](request);
}
