/*
 * The workers attached to this broker: the leases each holds, its free slots, and which sessions of
 * the whole cluster have been silent for too long. Pure: no SQL, no socket, no clock.
 * Threads: the queue thread.
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
    uint64_t sent_after; /* number of the last HEARTBEAT_ACK when its JOB went out */
    bool is_claiming;    /* its CLAIM is not committed yet */
    bool is_progressing; /* a PROGRESS of it is not committed yet */
    bool is_ending;      /* a FINISH or RELEASE of it is not committed yet */
    UT_hash_handle hh;
};

struct fm_session {
    struct fm_running_limit *running_limit; /* the set's */
    uint64_t id;                            /* of the row; 0 (unknown) while attaching */
    struct fm_tick_node node;
    uint64_t boot;
    enum fm_session_state state;
    unsigned attaching; /* ATTACH events under way: attached once the last is committed */
    struct fm_link_route route;
    char placement[33];
    unsigned slots[FM_CLASS_COUNT];
    struct fm_session_lease *leases; /* hash by lease */
    unsigned taken[FM_CLASS_COUNT];  /* leases of each class */
    uint64_t acks;                   /* HEARTBEAT_ACKs sent on this connection */
    bool is_full;    /* after a REJECT or a failed send: gets no job until its next HEARTBEAT */
    bool is_beating; /* a BEAT is not committed yet */
    bool is_asked;   /* was attached when the read of all sessions that is under way began */
    UT_hash_handle by_node;
};

struct fm_session_set;
/* Each lease that begins or ends is counted in `running_limit`, which is borrowed and may be NULL.
 */
struct fm_session_set *fm_session_set_new(struct fm_running_limit *running_limit);
void fm_session_set_destroy(struct fm_session_set **set);

/* The session of a node, made (ATTACHING) if there is none. */
struct fm_session *fm_session_get(struct fm_session_set *set, const struct fm_tick_node *node);
struct fm_session *fm_session_by_node(struct fm_session_set *set, const struct fm_id *node);
/* An attached session by the id of its row, or NULL. */
struct fm_session *fm_session_by_id(struct fm_session_set *set, uint64_t id);
void fm_session_remove(struct fm_session_set *set, struct fm_session *session);
/* Iterates over all sessions. A session may be removed once fm_session_next was called on it. */
struct fm_session *fm_session_first(const struct fm_session_set *set);
struct fm_session *fm_session_next(const struct fm_session *session);

struct fm_session_lease *fm_session_lease_find(struct fm_session *session, uint64_t lease);
/* The lease of that number, added if it is not there. */
struct fm_session_lease *fm_session_lease_add(struct fm_session *session, uint64_t lease,
                                              enum fm_class class, const struct fm_id *account,
                                              const struct fm_id *job);
/* Null-safe. */
void fm_session_lease_drop(struct fm_session *session, struct fm_session_lease *lease);
void fm_session_leases_clear(struct fm_session *session);
/* Slots of the class minus leases held, but never more leases than one HEARTBEAT can list; 0 while
 * attaching or full. */
unsigned fm_session_free(const struct fm_session *session, enum fm_class class);
/* The pool that a slot of this class serves, such as "any:net". */
void fm_session_pool(const struct fm_session *session, enum fm_class class, char out[48]);

/* A lease that the worker must have heard of, because its JOB went out before the ACK that this
 * heartbeat echoes, and that the heartbeat does not list. One lease a call, NULL when none is left;
 * the caller marks it ending or drops it before the next call. */
struct fm_session_lease *fm_session_unlisted(struct fm_session *session,
                                             const struct fm_heartbeat *heartbeat);

/* ---- a read of all sessions: which rows are no longer this broker's ---- */

/* Before the read: a session attached by now is among its rows, unless it is gone. */
void fm_session_ask(struct fm_session_set *set);
/* A session that was attached before the read and is not among its rows as this broker's: it was
 * expired, or its worker went to another broker. One per call, NULL when none is left; the caller
 * removes it before the next call. */
struct fm_session *fm_session_gone(struct fm_session_set *set, uint64_t broker,
                                   const struct fm_tick_session *rows, size_t count);

/* ---- the observer: counts silence in its own successful reads, never by a clock ---- */
struct fm_session_observer;
struct fm_session_observer *fm_session_observer_new(uint64_t broker);
void fm_session_observer_destroy(struct fm_session_observer **observer);
/* Takes one successful read of all sessions. Calls `expire` for each session whose beat was the
 * same in 6 reads if it is this broker's, in 12 if it is another's. */
void fm_session_observe(struct fm_session_observer *observer, const struct fm_tick_session *rows,
                        size_t count,
                        void (*expire)(void *context, const struct fm_tick_session *row),
                        void *context);

#endif
