/*
 * A request's events on their way through the queue: the request is suspended, its events are
 * posted, and once the last of them is committed (or failed) it is woken and finds what became of
 * them. Threads: a front thread; outcomes come on the queue thread.
 */
#ifndef FM_BROKER_REQUEST_COMMIT_H
#define FM_BROKER_REQUEST_COMMIT_H

#include "broker/queue/queue.h"
#include "broker/request/request.h"

/* Posts an event of the request's; what its slices point at must live until the wait is over. Any
 * number may be posted before the step answers WAIT. */
void fm_commit_post(struct fm_request *request, struct fm_queue_event *event);
/* Posts an event of that kind for the request's own job, and suspends: the step answers WAIT. */
enum fm_step fm_commit_move(struct fm_request *request, enum fm_queue_kind kind);
/* True while one of them is not committed; the request is suspended again, and the step answers
 * WAIT. */
bool fm_commit_is_waiting(struct fm_request *request);
/* After the wait: true unless one of them FAILED; then UNAVAILABLE or its own failure. */
bool fm_commit_is_done(const struct fm_request *request, struct fm_error *err) FM_MUST_CHECK;

#endif
