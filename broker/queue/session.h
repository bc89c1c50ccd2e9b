/*
 * What each attached worker holds, its free slots, the beats seen and whom to expire. Pure: no SQL,
 * no socket, no clock. Threads: the queue thread.
 */
#ifndef FM_BROKER_QUEUE_SESSION_H
#define FM_BROKER_QUEUE_SESSION_H

#include <uthash.h>

#include "broker/queue/link.h"
#include "broker/queue/queue.h"
#include "broker/queue/running_limit.h"

enum fm_session_state { FM_SESSION_ATTACHING, FM_SESSION_ATTACHED };

/* A lease of a session. */
struct fm_session_lease {
    uint64_t lease;
    struct fm_id account, job;
    enum fm_class class;
    uint64_t sent_after; /* the last ACK's number when its JOB went out */
    bool is_claiming;    /* its claim is not committed yet */
    bool is_telling;     /* a progress of it is being committed */
    bool is_ending;      /* a finish or release of it is under way */
    UT_hash_handle hh;
};

struct fm_session {
    struct fm_running_limit *cap; /* the set's */
    uint64_t id;                  /* of the row; unknown (0) while attaching */
    struct fm_tick_node node;
    uint64_t boot;
    enum fm_session_state state;
    unsigned attaching; /* ATTACHes under way: attached when the last is committed */
    struct fm_link_route route;
    char placement[33];
    unsigned slots[FM_CLASS_COUNT];
    struct fm_session_lease *leases; /* hash by lease */
    unsigned taken[FM_CLASS_COUNT];  /* how many of them are of that class */
    uint64_t acks;                   /* HEARTBEAT_ACKs sent on this connection */
    bool is_full;                    /* a REJECT or failed send: nothing until its next HEARTBEAT */
    bool is_beating;                 /* a beat is being committed */
    bool is_asked;                   /* attached when the read of all sessions under way began */
    UT_hash_handle by_node;
};

struct fm_session_set;
/* `cap` is told of each lease that begins and ends; borrowed, may be NULL. */
struct fm_session_set *fm_session_set_new(struct fm_running_limit *cap);
void fm_session_set_destroy(struct fm_session_set **set);

/* The one session of a node; made (ATTACHING) when missing. */
struct fm_session *fm_session_get(struct fm_session_set *set, const struct fm_tick_node *node);
struct fm_session *fm_session_by_node(struct fm_session_set *set, const struct fm_id *node);
/* Attached ones alone, by the row's id. */
struct fm_session *fm_session_by_id(struct fm_session_set *set, uint64_t id);
void fm_session_remove(struct fm_session_set *set, struct fm_session *session);
/* Walks all: `for (s = fm_session_first(set); s; s = fm_session_next(s))`; s may be removed only
 * after next. */
struct fm_session *fm_session_first(const struct fm_session_set *set);
struct fm_session *fm_session_next(const struct fm_session *session);

struct fm_session_lease *fm_session_lease_find(struct fm_session *session, uint64_t lease);
/* The one that is there, or a new one. */
struct fm_session_lease *fm_session_lease_add(struct fm_session *session, uint64_t lease,
                                              enum fm_class class, const struct fm_id *account,
                                              const struct fm_id *job);
/* Null-safe. */
void fm_session_lease_drop(struct fm_session *session, struct fm_session_lease *lease);
void fm_session_leases_clear(struct fm_session *session);
/* Slots of the class minus leases held, as far as a word can list them all; 0 while attaching or
 * full. */
unsigned fm_session_free(const struct fm_session *session, enum fm_class class);
/* "any:net": the pool a slot of this class serves. */
void fm_session_pool(const struct fm_session *session, enum fm_class class, char out[48]);

/* A lease the worker ought to know of (its JOB went out before the ACK this heartbeat echoes) and
 * does not list. One a call; NULL when none is left. The caller marks it ending or drops it. */
struct fm_session_lease *fm_session_unlisted(struct fm_session *session,
                                             const struct fm_heartbeat *heartbeat);

/* ---- a read of all sessions: whose row is not mine any more ---- */

/* Before the read: who is attached now is in it, or has gone. */
void fm_session_ask(struct fm_session_set *set);
/* A session that was asked for and is not among the rows as this broker's: it was expired, or its
 * worker went to another broker. One a call; NULL when none is left. */
struct fm_session *fm_session_gone(struct fm_session_set *set, uint64_t broker,
                                   const struct fm_tick_session *rows, size_t count);

/* ---- the observer: silence counted in its own good reads ---- */
struct fm_session_observer;
struct fm_session_observer *fm_session_observer_new(uint64_t broker);
void fm_session_observer_destroy(struct fm_session_observer **observer);
/* One good read of all sessions. Calls `expire` for each whose beat stood still for 6 reads (mine)
 * or 12. */
void fm_session_observe(struct fm_session_observer *observer, const struct fm_tick_session *rows,
                        size_t count,
                        void (*expire)(void *context, const struct fm_tick_session *row),
                        void *context);

#endif
