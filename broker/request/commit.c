/* Posts a request's events and waits for the queue's commit: see commit.h. */
#include "broker/request/commit.h"

/* On the queue thread, once for each event. The first failure is kept, else the last outcome. No
 * lock is needed: the queue is one thread, and the request reads only after the last wake. */
static void keep_outcome(struct fm_queue_event *event)
{
    struct fm_request *request = event->context;
    struct fm_commit *commit = &request->commit;
    if (commit->outcome != FM_QUEUE_FAILED) {
        commit->outcome = event->outcome;
        commit->failure = event->failure;
        commit->state = event->state;
    }
    commit->moved += event->outcome == FM_QUEUE_MOVED;
    fm_queue_event_destroy(&event);
    fm_suspend_wake(&request->wait);
}

void fm_commit_post(struct fm_request *request, struct fm_queue_event *event)
{
    struct fm_commit *commit = &request->commit;
    if (!commit->is_open) {
        *commit = (struct fm_commit){.is_open = true, .outcome = FM_QUEUE_MOVED};
        fm_suspend_begin(&request->wait, request->exchange);
    }
    fm_suspend_expect(&request->wait);
    event->done = keep_outcome;
    event->context = request;
    fm_dispatch_post(request->front->dispatch, event);
}

enum fm_step fm_commit_wait(struct fm_request *request)
{
    request->commit.is_open = false;
    fm_suspend_wake(&request->wait); /* the answer that fm_suspend_begin expects is this call */
    return FM_STEP_WAIT;
}

enum fm_step fm_commit_move(struct fm_request *request, enum fm_queue_kind kind)
{
    struct fm_queue_event *event = fm_queue_event_new(kind);
    event->account = request->lookup.key_account;
    event->id = request->job;
    fm_commit_post(request, event);
    return fm_commit_wait(request);
}

bool fm_commit_check(const struct fm_request *request, struct fm_error *err)
{
    const struct fm_commit *commit = &request->commit;
    return commit->outcome != FM_QUEUE_FAILED ||
           fm_fail(err, commit->failure != FM_NONE ? commit->failure : FM_UNAVAILABLE,
                   "commit: not moved");
}
