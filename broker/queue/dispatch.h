/*
 * The queue thread: inbox → flush → send → receive → timers; each turn returns how long it may
 * sleep. It owns the queue, the tick, the link and the timers, and is the only one that changes
 * jobs. Threads: post from any; all else happens on the queue thread.
 */
#ifndef FM_BROKER_QUEUE_DISPATCH_H
#define FM_BROKER_QUEUE_DISPATCH_H

#include "broker/config/secrets.h"
#include "broker/config/settings.h"
#include "broker/queue/queue.h"
#include "broker/queue/reason.h"
#include "broker/queue/watch.h"
#include "broker/store/signed_url.h"

struct fm_dispatch;

/* Binds the link, starts the thread. What is borrowed must outlive it. */
bool fm_dispatch_new(const struct fm_broker_settings *settings, const struct fm_secrets *secrets,
                     const struct fm_signed_url *grant, struct fm_watch *watch,
                     struct fm_dispatch **dispatch, struct fm_error *err) FM_MUST_CHECK;
/* From the next turn on these settings, in place of the ones before; both are borrowed. */
void fm_dispatch_reload(struct fm_dispatch *dispatch, const struct fm_broker_settings *settings);
/* Ends the thread: what was posted and not committed is answered UNAVAILABLE. */
void fm_dispatch_destroy(struct fm_dispatch **dispatch);
/* Takes an ENQUEUE, CANCEL or DELETE; its `done` is called on the queue thread after the commit. */
void fm_dispatch_post(struct fm_dispatch *dispatch, struct fm_queue_event *event);
/* Jobs came to be that were not posted (a batch's): look for them now, not with the next tick. */
void fm_dispatch_nudge(struct fm_dispatch *dispatch);
/* For /readyz: the database answered the last tick. For status: workers attached. */
bool fm_dispatch_is_ready(const struct fm_dispatch *dispatch);
unsigned fm_dispatch_workers(const struct fm_dispatch *dispatch);
/* Why jobs wait; the dispatch's own. */
struct fm_reason *fm_dispatch_reason(struct fm_dispatch *dispatch);

#endif
