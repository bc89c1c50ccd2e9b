/*
 * Replies with a job, at once or after it has changed: the end of every act that shows one job.
 * A long-poll occupies no thread and makes no reads while nothing changes; it is an entry in the
 * watch (queue/watch.h). The key and the job are read again when the watch reports a change, when
 * any key is revoked, when the request's own key expires, and when the wait is over.
 * Before: a request whose lookup is done or has been started. After: a reply with the job object.
 * Threads: the request's front thread; the watch reports on another thread, which only wakes.
 */
#ifndef FM_BROKER_API_POLL_H
#define FM_BROKER_API_POLL_H

#include "broker/request/request.h"

enum fm_poll_until {
    FM_POLL_CHANGE, /* the next change of state */
    FM_POLL_END,    /* succeeded, failed or canceled */
};

/* Waits for request->job for up to asked.wait_seconds, then replies with it: with `status`, or with
 * 200 if the job has ended. An act's whole tail: after the first call the act must call this again,
 * with the same arguments, whenever it runs. Uses request->act. */
enum fm_step fm_poll_wait(struct fm_request *request, enum fm_poll_until until, unsigned status);
/* Replies with the job's row at once; 304 for a GET whose If-None-Match has the current tag. */
enum fm_step fm_poll_reply(struct fm_request *request, const struct fm_reader_job *row,
                           unsigned status);

#endif
