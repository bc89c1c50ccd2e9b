/* How a request waits for the queue's commit: see commit.h. */
#include "broker/request/commit.h"

#include "common/clock.h"

/* On the queue thread. The outcome kept is the last event's, or the first failure. */
static void take_outcome(struct fm_queue_event *event)
{
    struct fm_request *request = event->context;
    struct fm_http_exchange *exchange = request->exchange;
    struct fm_commit *commit = &request->commit;
    if (commit->outcome != FM_QUEUE_FAILED) {
        commit->outcome = event->outcome;
        commit->failure = event->failure;
        commit->state = event->state;
    }
    commit->moved += event->outcome == FM_QUEUE_MOVED;
    fm_queue_event_destroy(&event);
    if (atomic_fetch_sub(&commit->left, 1) == 1) {
        fm_http_resume(exchange);
    }
    fm_http_release(exchange);
}

/* One share of `left` is the request's own until it waits, so that an early commit wakes nobody. */
void fm_commit_post(struct fm_request *request, struct fm_queue_event *event)
{
    struct fm_commit *commit = &request->commit;
    if (!commit->is_open) {
        commit->outcome = FM_QUEUE_MOVED;
        commit->failure = FM_NONE;
        commit->moved = 0;
        commit->is_open = true;
        atomic_store(&commit->left, 1);
    }
    atomic_fetch_add(&commit->left, 1);
    fm_http_hold(request->exchange);
    event->done = take_outcome;
    event->context = request;
    fm_dispatch_post(request->front->dispatch, event);
}

bool fm_commit_is_waiting(struct fm_request *request)
{
    struct fm_commit *commit = &request->commit;
    if (!commit->is_open && atomic_load(&commit->left) == 0) {
        return false;
    }
    fm_http_wait(request->exchange, FM_CLOCK_NEVER);
    unsigned left = atomic_load(&commit->left);
    if (commit->is_open) {
        commit->is_open = false;
        left = atomic_fetch_sub(&commit->left, 1) - 1;
    }
    if (left == 0) {
        fm_http_resume(request->exchange);
    }
    return true;
}

enum fm_step fm_commit_move(struct fm_request *request, enum fm_queue_kind kind)
{
    struct fm_queue_event *event = fm_queue_event_new(kind);
    event->account = request->look.key_account;
    event->id = request->job;
    fm_commit_post(request, event);
    (void)fm_commit_is_waiting(request);
    return FM_STEP_WAIT;
}

bool fm_commit_is_done(const struct fm_request *request, struct fm_error *err)
{
    const struct fm_commit *commit = &request->commit;
    return commit->outcome != FM_QUEUE_FAILED ||
           fm_fail(err, commit->failure != FM_NONE ? commit->failure : FM_UNAVAILABLE, "commit: %s",
                   "not moved");
}
