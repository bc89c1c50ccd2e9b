/*
 * Cancel a job. It takes the scope that making it needed.
 * Before: a request whose look-up has the job. After: 200 with the canceled job, or 409.
 */
#include <stdlib.h>

#include "broker/act.h"
#include "broker/job.h"
#include "broker/poll.h"
#include "broker/reply.h"
#include "common/clock.h"

enum stage { STAGE_START, STAGE_POSTED, STAGE_LOOKING };

struct cancellation {
    struct fm_request *request;
    atomic_bool is_answered;
    enum fm_queue_outcome outcome;
    enum fm_error_code failure;
    enum fm_state state;
};

static void cancellation_done(struct fm_request *request)
{
    free(request->act);
    request->act = NULL;
}

/* On the queue thread, after the commit. */
static void take_outcome(struct fm_queue_event *event)
{
    struct cancellation *cancellation = event->context;
    struct fm_http_exchange *exchange = cancellation->request->exchange;
    cancellation->outcome = event->outcome;
    cancellation->failure = event->failure;
    cancellation->state = event->state;
    fm_queue_event_destroy(&event);
    atomic_store(&cancellation->is_answered, true);
    fm_http_resume(exchange);
    fm_http_release(exchange);
}

static bool may_cancel(struct fm_request *request, struct fm_error *err)
{
    struct fm_job_view job;
    if (!fm_job_read(&request->look.found, &request->arena, &job, err)) {
        return false;
    }
    bool is_process = job.spec.type == FM_TYPE_PROCESS;
    unsigned scope = is_process ? FM_SCOPE_PROCESS : FM_SCOPE_FETCH;
    return (request->look.scopes & scope) != 0 ||
           fm_fail_param(err, FM_INSUFFICIENT_SCOPE, NULL,
                         "This needs an API key with the scope %s",
                         is_process ? "video:process" : "video:fetch");
}

static enum fm_step refuse(struct fm_request *request, enum fm_error_code code)
{
    struct fm_error err = {0};
    fm_fail(&err, code, "cancel");
    return fm_reply_error(request, &err);
}

static enum fm_step post(struct fm_request *request)
{
    struct cancellation *cancellation = fm_alloc(sizeof(*cancellation));
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_CANCEL);
    cancellation->request = request;
    request->act = cancellation;
    request->act_done = cancellation_done;
    event->account = request->look.key_account;
    event->id = request->job;
    event->done = take_outcome;
    event->context = cancellation;
    request->stage = STAGE_POSTED;
    fm_http_wait(request->exchange, FM_CLOCK_NEVER);
    fm_http_hold(request->exchange);
    fm_dispatch_post(request->front->dispatch, event);
    return FM_STEP_WAIT;
}

static enum fm_step start(struct fm_request *request)
{
    struct fm_error err = {0};
    enum fm_state state = request->look.found.state;
    if (!may_cancel(request, &err)) {
        return fm_reply_error(request, &err);
    }
    if (state == FM_STATE_CANCELED) {
        return fm_poll_reply(request, &request->look.found, 200);
    }
    return fm_state_is_ended(state) ? refuse(request, FM_JOB_NOT_CANCELABLE) : post(request);
}

static enum fm_step judge(struct fm_request *request)
{
    const struct cancellation *cancellation = request->act;
    bool is_canceled =
        cancellation->outcome == FM_QUEUE_MOVED ||
        (cancellation->outcome == FM_QUEUE_ENDED && cancellation->state == FM_STATE_CANCELED);
    if (is_canceled) {
        request->stage = STAGE_LOOKING;
        fm_request_ask(request, &request->job);
        return FM_STEP_WAIT;
    }
    switch (cancellation->outcome) {
    case FM_QUEUE_ENDED:
        return refuse(request, FM_JOB_NOT_CANCELABLE);
    case FM_QUEUE_MISSING:
        return refuse(request, FM_NOT_FOUND);
    default:
        return refuse(request,
                      cancellation->failure != FM_NONE ? cancellation->failure : FM_UNAVAILABLE);
    }
}

static enum fm_step wait_for_outcome(struct fm_request *request)
{
    struct cancellation *cancellation = request->act;
    if (atomic_load(&cancellation->is_answered)) {
        return judge(request);
    }
    fm_http_wait(request->exchange, FM_CLOCK_NEVER);
    if (atomic_load(&cancellation->is_answered)) {
        fm_http_resume(request->exchange);
    }
    return FM_STEP_WAIT;
}

/* The job as the commit left it. */
static enum fm_step show(struct fm_request *request)
{
    struct fm_error err = {0};
    if (fm_request_is_waiting(request)) {
        return FM_STEP_WAIT;
    }
    if (!fm_request_is_known(request, &err)) {
        return fm_reply_error(request, &err);
    }
    return request->look.has_job ? fm_poll_reply(request, &request->look.found, 200)
                                 : refuse(request, FM_NOT_FOUND);
}

enum fm_step fm_cancel_act(struct fm_request *request)
{
    static enum fm_step (*const stages[])(struct fm_request *) = {
        [STAGE_START] = start, [STAGE_POSTED] = wait_for_outcome, [STAGE_LOOKING] = show};
    return stages[request->stage](request);
}
