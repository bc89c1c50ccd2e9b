/*
 * DELETE of a job: its record, then its outputs. The key needs the scopes that creating the job
 * takes. Before: request/, whose lookup found the job. After: 200 with the job's id, also if the
 * job was deleted meanwhile; 409 while it runs.
 * Touches: the database through the queue (request/commit.h), then the store. Outputs that could
 * not be removed are left to retention's sweep. Threads: the request's front thread; the row is
 * deleted by the queue thread, the files by a disk thread.
 */
#include <stdlib.h>

#include "broker/api/act.h"
#include "broker/api/job_view.h"
#include "broker/api/replies.h"
#include "broker/request/commit.h"
#include "broker/request/lookup.h"
#include "broker/request/reply.h"
#include "broker/store/store.h"
#include "common/json.h"
#include "common/log.h"
#include "common/thread_pool.h"

enum stage { STAGE_START, STAGE_POSTED, STAGE_LOOKUP };

/* ---- the outputs: removed soon after the row; if that fails, the sweep finds them ---- */

/* Owned by the disk thread once it is posted; it does not depend on the request. */
struct removal {
    struct fm_thread_pool_task task;
    struct fm_store *store;
    struct fm_store_object attempt;
};

static void remove_bytes(struct fm_thread_pool_task *task, unsigned thread)
{
    struct removal *removal = fm_container_of(task, struct removal, task);
    struct fm_error err = {0};
    (void)thread;
    if (!fm_store_remove_attempt(removal->store, &removal->attempt, &err)) {
        fm_log_failure("outputs_not_removed", &err);
    }
    free(removal);
}

/* Removes the files of the attempt that succeeded. The sweep removes whatever other attempts left
 * behind. */
static void remove_outputs(const struct fm_request *request)
{
    const struct fm_reader_job *job = &request->lookup.found;
    if (job->state != FM_STATE_SUCCEEDED) {
        return;
    }
    struct removal *removal = fm_alloc(sizeof(*removal));
    removal->task.run = remove_bytes;
    removal->store = request->front->store;
    removal->attempt =
        (struct fm_store_object){.account = job->account, .job = job->id, .lease = job->lease};
    if (!fm_thread_pool_post(request->disk_threads, &removal->task)) {
        fm_log(FM_LOG_WARNING, "outputs_not_removed", "detail=\"too many removals wait\"");
        free(removal);
    }
}

/* ---- the row ---- */

static enum fm_step refuse_delete(struct fm_request *request)
{
    struct fm_error err = {0};
    fm_fail(&err, FM_JOB_NOT_FINISHED, "delete: leased");
    return fm_reply_error(request, &err);
}

static enum fm_step reply_deleted(struct fm_request *request)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    const struct fm_reply_deleted deleted = {.id = request->job, .deleted = true};
    fm_reply_write_deleted(&deleted, &body);
    return fm_reply_json(request, 200, &body);
}

static enum fm_step post_delete(struct fm_request *request)
{
    request->stage = STAGE_POSTED;
    return fm_commit_move(request, FM_QUEUE_DELETE);
}

static enum fm_step start_delete(struct fm_request *request)
{
    struct fm_error err = {0};
    if (!fm_job_view_check_scope(request, &err)) {
        return fm_reply_error(request, &err);
    }
    return request->lookup.found.state == FM_STATE_RUNNING ? refuse_delete(request)
                                                           : post_delete(request);
}

/* MISSING, because the job was deleted since the lookup, is a success: it is gone as wanted. */
static enum fm_step judge_commit(struct fm_request *request)
{
    struct fm_error err = {0};
    if (!fm_commit_check(request, &err)) {
        return fm_reply_error(request, &err);
    }
    switch (request->commit.outcome) {
    case FM_QUEUE_STALE:
        return refuse_delete(request);
    case FM_QUEUE_ENDED: /* it ended meanwhile: read it again, for its outputs, and post again */
        request->stage = STAGE_LOOKUP;
        return fm_lookup_start(request, &request->job);
    default:
        remove_outputs(request);
        return reply_deleted(request);
    }
}

static enum fm_step judge_lookup(struct fm_request *request)
{
    struct fm_error err = {0};
    if (!fm_lookup_is_known(request, &err)) {
        return fm_reply_error(request, &err);
    }
    return request->lookup.has_job ? start_delete(request) : reply_deleted(request);
}

enum fm_step fm_delete_act(struct fm_request *request)
{
    static enum fm_step (*const stages[])(struct fm_request *) = {
        [STAGE_START] = start_delete, [STAGE_POSTED] = judge_commit, [STAGE_LOOKUP] = judge_lookup};
    return stages[request->stage](request);
}
