/*
 * The queue thread. Each of its turns takes the inbox, runs the flush, sends, receives, serves the
 * timers, and returns how long the thread may sleep. It is the only thread that changes jobs.
 * Owns: the queues, the tick, the link and the timers. Threads: fm_dispatch_post and
 * fm_dispatch_nudge may be called on any; everything else happens on the queue thread.
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

/* Binds the link and starts the thread. All arguments are borrowed and must outlive the dispatch.
 */
bool fm_dispatch_new(const struct fm_broker_settings *settings, const struct fm_secrets *secrets,
                     const struct fm_signed_url *signed_url, struct fm_watch *watch,
                     struct fm_dispatch **dispatch, struct fm_error *err) FM_MUST_CHECK;
/* The next turn uses these settings. The old and the new settings both stay borrowed. */
void fm_dispatch_reload(struct fm_dispatch *dispatch, const struct fm_broker_settings *settings);
/* Ends the thread. Events that were posted and not committed end as UNAVAILABLE. */
void fm_dispatch_destroy(struct fm_dispatch **dispatch);
/* Takes ownership of an ENQUEUE, CANCEL or DELETE. Its `done` is called on the queue thread, after
 * the commit. */
void fm_dispatch_post(struct fm_dispatch *dispatch, struct fm_queue_event *event);
/* Jobs were written without a post (by a batch): read the waiting rows now, not at the next tick.
 */
void fm_dispatch_nudge(struct fm_dispatch *dispatch);
/* True while the database answers the ticks: for /readyz. */
bool fm_dispatch_is_ready(const struct fm_dispatch *dispatch);
/* The number of attached workers, as of the last turn. */
unsigned fm_dispatch_workers(const struct fm_dispatch *dispatch);
/* Why jobs wait. Owned by the dispatch. */
struct fm_reason *fm_dispatch_reason(struct fm_dispatch *dispatch);

#endif
