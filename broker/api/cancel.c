/*
 * Cancels a job. The key needs the scopes that creating the job requires. Canceling a canceled job
 * again is no error.
 * Before: a request whose lookup has the job. After: 200 with the canceled job, or 409 if it ended
 * in another way.
 */
#include "broker/api/act.h"
#include "broker/api/job_view.h"
#include "broker/api/poll.h"
#include "broker/request/commit.h"
#include "broker/request/lookup.h"
#include "broker/request/reply.h"

enum stage { STAGE_START, STAGE_POSTED, STAGE_LOOKUP };

static enum fm_step refuse_cancel(struct fm_request *request, enum fm_error_code code)
{
    struct fm_error err = {0};
    fm_fail(&err, code, "cancel");
    return fm_reply_error(request, &err);
}

static enum fm_step post_cancel(struct fm_request *request)
{
    request->stage = STAGE_POSTED;
    return fm_commit_move(request, FM_QUEUE_CANCEL);
}

static enum fm_step start_cancel(struct fm_request *request)
{
    struct fm_error err = {0};
    enum fm_state state = request->lookup.found.state;
    if (!fm_job_view_check_scope(request, &err)) {
        return fm_reply_error(request, &err);
    }
    if (state == FM_STATE_CANCELED) {
        return fm_poll_reply(request, &request->lookup.found, 200);
    }
    return fm_state_is_ended(state) ? refuse_cancel(request, FM_JOB_NOT_CANCELABLE)
                                    : post_cancel(request);
}

/* The job may have ended between the lookup and the commit. */
static enum fm_step judge_commit(struct fm_request *request)
{
    const struct fm_commit *commit = &request->commit;
    struct fm_error err = {0};
    if (!fm_commit_check(request, &err)) {
        return fm_reply_error(request, &err);
    }
    if (commit->outcome == FM_QUEUE_MISSING) {
        return refuse_cancel(request, FM_NOT_FOUND);
    }
    if (commit->outcome == FM_QUEUE_ENDED && commit->state != FM_STATE_CANCELED) {
        return refuse_cancel(request, FM_JOB_NOT_CANCELABLE);
    }
    request->stage = STAGE_LOOKUP;
    return fm_lookup_start(request, &request->job);
}

/* Replies with the job as the commit left it. */
static enum fm_step reply_job(struct fm_request *request)
{
    struct fm_error err = {0};
    if (!fm_lookup_is_known(request, &err)) {
        return fm_reply_error(request, &err);
    }
    return request->lookup.has_job ? fm_poll_reply(request, &request->lookup.found, 200)
                                   : refuse_cancel(request, FM_NOT_FOUND);
}

enum fm_step fm_cancel_act(struct fm_request *request)
{
    static enum fm_step (*const stages[])(struct fm_request *) = {
        [STAGE_START] = start_cancel, [STAGE_POSTED] = judge_commit, [STAGE_LOOKUP] = reply_job};
    return stages[request->stage](request);
}
