/*
 * A job as its reply, now or once it changed. A long-poll keeps nothing but an entry in the watch:
 * no thread, and no read until it is told of a change. Key and job are read anew then, when any key
 * was revoked, when its own key expires, and at its end.
 */
#ifndef FM_BROKER_API_POLL_H
#define FM_BROKER_API_POLL_H

#include "broker/request/request.h"

enum fm_poll_until {
    FM_POLL_CHANGE, /* the next change of state */
    FM_POLL_END,    /* succeeded, failed or canceled */
};

/* Waits for the job as asked.wait_seconds says (the look-up under way or done is for that job),
 * then replies with it: `status`, or 200 once it has ended. An act's whole tail. */
enum fm_step fm_poll_wait(struct fm_request *request, enum fm_poll_until until, unsigned status);
/* Replies with the job's row at once. */
enum fm_step fm_poll_reply(struct fm_request *request, const struct fm_reader_job *row,
                           unsigned status);

#endif
