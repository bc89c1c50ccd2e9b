/*
 * A request's events on their way through the queue: the request is suspended, its events are
 * posted, and once the last of them is committed, or has failed, the step runs again and finds the
 * outcome. Threads: a front thread; outcomes come on the queue thread.
 */
#ifndef FM_BROKER_REQUEST_COMMIT_H
#define FM_BROKER_REQUEST_COMMIT_H

#include "broker/queue/dispatch.h"
#include "broker/request/request.h"

/* Posts an event of the request's, which is the queue's from then on; what its slices point at must
 * live until the wait is over. Any number may be posted before fm_commit_wait. */
void fm_commit_post(struct fm_request *request, struct fm_queue_event *event);
/* All is posted. Returns WAIT; `request->commit` has the outcome when the step runs again. */
enum fm_step fm_commit_wait(struct fm_request *request);
/* Posts one event of that kind for the request's own job, and waits for it. */
enum fm_step fm_commit_move(struct fm_request *request, enum fm_queue_kind kind);
/* After the wait: true unless an event failed; then UNAVAILABLE, or the event's own failure. */
bool fm_commit_check(const struct fm_request *request, struct fm_error *err) FM_MUST_CHECK;

#endif
