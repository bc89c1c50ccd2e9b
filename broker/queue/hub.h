/*
 * All that the queue thread works with, in one struct, and the moves that several of its files
 * make: giving a lease back, ending a session, sending CANCEL and REFUSE. Included by the queue
 * thread's own files alone (dispatch, claim, report, tick). Threads: the queue thread.
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
    const struct fm_broker_settings *settings; /* borrowed, as signed_url and watch */
    const struct fm_signed_url *signed_url;
    struct fm_watch *watch;
    uint64_t broker; /* this process's boot */
    struct fm_node_set *nodes;
    struct fm_link *link;
    struct fm_queue *starts; /* ENQUEUE and CLAIM: the start of a job never waits behind the flush
                                that ends others */
    struct fm_queue *queue;  /* all other kinds */
    struct fm_tick_db *tick_db;
    struct fm_running_limit *running_limit;
    struct fm_session_set *sessions;
    struct fm_schedule *schedule;
    struct fm_reason *reason;
    size_t deferring; /* DEFER events under way, for jobs of paused sites */
    bool wants_heads; /* a slot or a job came: read the waiting rows before the next tick is due */
};

/* Travels with an event through the queue: the node and lease it is about, and the memory that the
 * event's slices point at. */
struct fm_hub_move {
    struct fm_hub *hub;
    struct fm_id node;
    uint64_t lease;
    struct fm_message message;  /* owned */
    struct fm_text packed;      /* owned */
    struct fm_queue_held *held; /* owned */
};

struct fm_hub_move *fm_hub_move_new(struct fm_hub *hub, const struct fm_id *node, uint64_t lease);
/* Frees the move and its event: the last call of every `done`. */
void fm_hub_move_end(struct fm_queue_event *event);
/* Adds the event to `starts` or to `queue`, by its kind. */
void fm_hub_queue(struct fm_hub *hub, struct fm_queue_event *event);
/* The same, with the move as the event's context, and its node and lease filled in. */
void fm_hub_add(struct fm_hub_move *move, struct fm_queue_event *event,
                void (*done)(struct fm_queue_event *event));
/* Releases a lease of the session uncounted: the job waits again, as if it had not been started. */
void fm_hub_return(struct fm_hub *hub, struct fm_session *session, struct fm_session_lease *held);
/* Sends CANCEL for an attempt. The message may be lost: the next heartbeat repeats the question. */
void fm_hub_cancel(struct fm_hub *hub, const struct fm_session *session, const struct fm_id *job,
                   uint64_t lease, enum fm_cancel_reason reason);
/* Sends REFUSE to a connection whose node is not attached. */
void fm_hub_refuse(struct fm_hub *hub, const struct fm_link_route *route, enum fm_refusal reason);
/* Ends an attached session whose worker left (BYE) or may not stay (revoked): its leases are
 * released uncounted, and the session is gone from memory at once. */
void fm_hub_dismiss(struct fm_hub *hub, struct fm_session *session);
/* Ends a session that was silent, each of its leases counted as a loss. A session whose beat is no
 * longer `row->beat` has spoken since, and stays. */
void fm_hub_lose(struct fm_hub *hub, const struct fm_tick_session *row);
struct fm_slice fm_hub_bytes(const struct fm_id *id);

#endif
