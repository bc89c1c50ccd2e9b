/*
 * How a request changes jobs: it is suspended, its events are posted to the queue, and once the
 * last of them is committed or has failed, the request's step runs again and finds the outcome in
 * request->commit.
 * Before: an act that knows which events it wants. After: a durable change, or a failure.
 * Threads: a request's front thread; outcomes arrive on the queue thread, which only wakes.
 */
#ifndef FM_BROKER_REQUEST_COMMIT_H
#define FM_BROKER_REQUEST_COMMIT_H

#include "broker/queue/dispatch.h"
#include "broker/request/request.h"

/* Posts one event and hands its ownership to the queue. Whatever the event's slices point at must
 * live until the wait is over. Any number of events may be posted before fm_commit_wait; some
 * may fail while others succeed. */
void fm_commit_post(struct fm_request *request, struct fm_queue_event *event);
/* To be called after the last event was posted. Returns WAIT; `request->commit` has the outcome
 * when the step runs again. */
enum fm_step fm_commit_wait(struct fm_request *request);
/* Posts one event of this kind for request->job, and waits for it. Returns WAIT. */
enum fm_step fm_commit_move(struct fm_request *request, enum fm_queue_kind kind);
/* After the wait: true unless an event failed. The error is then the first failure's own code, or
 * UNAVAILABLE. An event that found nothing to change has not failed: see `outcome`. */
bool fm_commit_check(const struct fm_request *request, struct fm_error *err) FM_MUST_CHECK;

#endif
