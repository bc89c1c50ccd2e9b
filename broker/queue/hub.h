/*
 * What the queue thread holds: the rooms it introduces to each other. Shared by dispatch (the turn,
 * the claims, the timers), report (what a worker says) and watchdog words of both; nobody else
 * includes it. Threads: the queue thread alone.
 */
#ifndef FM_BROKER_QUEUE_HUB_H
#define FM_BROKER_QUEUE_HUB_H

#include "broker/config/settings.h"
#include "broker/queue/link.h"
#include "broker/queue/queue.h"
#include "broker/queue/reason.h"
#include "broker/queue/schedule.h"
#include "broker/queue/session.h"
#include "broker/queue/tick_db.h"
#include "broker/queue/watch.h"
#include "broker/store/signed_url.h"

struct fm_hub {
    const struct fm_broker_settings *settings; /* borrowed, as grant and watch */
    const struct fm_signed_url *grant;
    struct fm_watch *watch;
    uint64_t broker; /* this process's boot */
    struct fm_node_set *nodes;
    struct fm_link *link;
    struct fm_queue *starts; /* of ENQUEUE and CLAIM: what jobs begin with never waits for what
                                others end with */
    struct fm_queue *queue;  /* of all else */
    struct fm_tick_db *tick;
    struct fm_running_limit *cap;
    struct fm_session_set *sessions;
    struct fm_schedule *order;
    struct fm_reason *reason;
    size_t deferring; /* jobs of paused sites, on their way to a later time */
    bool wants_heads; /* a slot came free or a job came: look before the next tick is due */
};

/* What travels with an event through the queue: whose it is, and the memory its slices point at. */
struct fm_hub_move {
    struct fm_hub *hub;
    struct fm_id node;
    uint64_t lease;
    struct fm_message message;  /* owned */
    struct fm_text packed;      /* owned */
    struct fm_queue_held *held; /* owned */
};

struct fm_hub_move *fm_hub_move_new(struct fm_hub *hub, const struct fm_id *node, uint64_t lease);
/* Frees the move and its event: the last act of every `done`. */
void fm_hub_move_end(struct fm_queue_event *event);
/* Adds the event to the queue of its kind. */
void fm_hub_queue(struct fm_hub *hub, struct fm_queue_event *event);
/* Adds the event with the move as its context. */
void fm_hub_add(struct fm_hub_move *move, struct fm_queue_event *event,
                void (*done)(struct fm_queue_event *event));
/* Gives a lease back to the queue, uncounted, and marks it ending. */
void fm_hub_return(struct fm_hub *hub, struct fm_session *session, struct fm_session_lease *held);
/* Tells the worker to end an attempt. */
void fm_hub_cancel(struct fm_hub *hub, const struct fm_session *session, const struct fm_id *job,
                   uint64_t lease, enum fm_cancel_reason reason);
/* Tells a connection that it is not attached. */
void fm_hub_refuse(struct fm_hub *hub, const struct fm_link_route *route, enum fm_refusal reason);
/* Ends an attached session after a goodbye (BYE, revoked): its leases go back uncounted, it is
 * forgotten at once. */
void fm_hub_dismiss(struct fm_hub *hub, struct fm_session *session);
/* Ends a session that was silent with this beat: counted as a loss; one that has moved since stays.
 */
void fm_hub_lose(struct fm_hub *hub, const struct fm_tick_session *row);
struct fm_slice fm_hub_bytes(const struct fm_id *id);

#endif
