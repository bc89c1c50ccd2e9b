/*
 * Moves jobs from state to state in PostgreSQL; no other file may. Callers add events. One flush at
 * a time takes up to FM_FLUSH_MAX waiting events and runs them as one transaction (group commit) on
 * the queue's own connection; each event's `done` is called once its outcome is known.
 * Never blocks: the queue thread polls fm_queue_fd and calls fm_queue_pump. A broker has two
 * queues, one for the events that start jobs; events of different queues run side by side, as
 * events of two brokers do. The table in queue.c's head lists which event moves which rows.
 * Before: claim, report, tick, hub, dispatch (events). After: flush, then db.
 * Owns: its events until `done`, its flush, its connection. Threads: the queue thread alone.
 */
#ifndef FM_BROKER_QUEUE_QUEUE_H
#define FM_BROKER_QUEUE_QUEUE_H

#include "common/error.h"
#include "common/id.h"
#include "common/state.h"
#include "common/text.h"
#include "proto/names.h"

enum fm_queue_kind {
    FM_QUEUE_ENQUEUE,  /* job_enqueue: waiting, or born leased */
    FM_QUEUE_CLAIM,    /* job_claim */
    FM_QUEUE_PROGRESS, /* job_progress */
    FM_QUEUE_FINISH,   /* job_finish */
    FM_QUEUE_RELEASE,  /* job_release */
    FM_QUEUE_CANCEL,   /* job_cancel */
    FM_QUEUE_DELETE,   /* job_delete */
    FM_QUEUE_DEFER,    /* job_defer */
    FM_QUEUE_ATTACH,   /* session_attach */
    FM_QUEUE_EXPIRE,   /* session_expire */
    FM_QUEUE_BEAT,     /* session_beat */
    FM_QUEUE_KINDS
};

/* The outcome of an event. */
enum fm_queue_outcome {
    FM_QUEUE_MOVED,   /* its rows moved (again, if it ran twice) */
    FM_QUEUE_STALE,   /* FINISH, RELEASE, PROGRESS: the lease no longer stands; CLAIM: another
                         broker has the job; BEAT: the session is not this broker's; EXPIRE: the
                         session's beat has changed; DELETE: the job is leased; DEFER: the job was
                         claimed meanwhile; ATTACH: a higher boot is known */
    FM_QUEUE_ENDED,   /* CANCEL: the job had ended already, `state` is its final state; DELETE: the
                         job ended meanwhile; RELEASE: a count reached its limit, the job failed */
    FM_QUEUE_MISSING, /* CANCEL, DELETE: no such job of this account */
    FM_QUEUE_FAILED,  /* the database would not, and nothing moved; `failure`: DATABASE refused this
                         very event, UNAVAILABLE is away too long, DATABASE_UNCERTAIN the same, but
                         it  may have moved */
};

/* Why a lease is given back. */
enum fm_queue_release {
    FM_RELEASE_RETRY, /* tries+1, run_at later by backoff; at max_tries → done failed with `error`
                       */
    FM_RELEASE_CRASH, /* crashes+1, avoid the node; at 2 → done failed with `error` */
    FM_RELEASE_LOSS,  /* losses+1, avoid the node; at 3 → done failed worker_lost */
    FM_RELEASE_UNCOUNTED, /* as if never started; run_at kept */
};

struct fm_queue_held {
    struct fm_id account, id;
    uint64_t lease;
};

/* One event. Its caller makes it; the queue owns it from fm_queue_add until `done`, which must free
 * it or pass it on. Slices and pointers must stay valid until `done`. */
struct fm_queue_event {
    enum fm_queue_kind kind;
    struct fm_id account, id; /* the job */
    uint64_t lease;           /* CLAIM: made by the caller; FINISH, RELEASE, PROGRESS: the fencing
                                 token; ENQUEUE: the lease the job is born with, 0: it waits */
    uint64_t session;         /* CLAIM, ATTACH, EXPIRE, BEAT; ENQUEUE: holds the lease, if any */

    /* ENQUEUE */
    struct fm_id key, retry_of; /* retry_of zero: this job retries no other */
    enum fm_type type;
    unsigned site;
    const char *pool; /* "any:net" */
    enum fm_priority lane;
    int64_t run_at_us; /* 0: now */
    unsigned max_tries, timeout_seconds, expires_seconds;
    struct fm_slice spec;
    uint64_t running_limit; /* the account's running limit, read by claim.c alone; 0: no limit */
    /* Out of ENQUEUE: the job is leased as asked. False when the session was no longer this
     * broker's: the job waits. If the second read never came, the outcome is MOVED and `failure` is
     * DATABASE_UNCERTAIN: the job was accepted, but it is unknown whether it is leased. */
    bool is_leased;

    /* PROGRESS (packed progress), FINISH (packed result, or empty) */
    struct fm_slice packed;
    /* FINISH */
    enum fm_state state; /* SUCCEEDED or FAILED; out of CANCEL with ENDED: the job's final state */
    const struct fm_file_facts *files;
    size_t file_count;
    /* FINISH failed, RELEASE */
    enum fm_error_code error;
    const char *detail;
    enum fm_queue_release release;
    uint64_t delay_ms; /* RELEASE RETRY: delay after the first try; each earlier try multiplies it
                          by 4, up to 15 minutes */
    struct fm_id node; /* FINISH, RELEASE: where the attempt ran; ATTACH: the session's node */

    /* ATTACH: the worker's boot, and the leases it holds; leases of the session that are not listed
     * are released uncounted. Out: `session` is the id that stands; older sessions of the node are
     * expired in the same flush. STALE: a higher boot is known. */
    uint64_t boot;
    uint64_t beat;
    struct fm_queue_held *held;
    size_t held_count;
    /* EXPIRE: true counts a loss for each lease (silence), false does not (BYE, revoked). `beat` is
     * the beat that the observer saw: if the row has another, the session lives and the outcome is
     * STALE; 0 expires the session whatever its beat. A session that is gone already is MOVED.
     * Older sessions of a node that attaches end with a loss for each lease, since their process
     * has died. */
    bool is_loss;

    /* Out of CLAIM, and except for the spec out of ENQUEUE: what the JOB message needs. The event
     * owns spec_copy. time_left_ms counts to the job's deadline. */
    char *spec_copy;
    size_t spec_length;
    unsigned starts;
    int64_t time_left_ms;
    /* Out of CANCEL: the lease that the job had (0 if it waited) and its session. ATTACH and EXPIRE
     * report nothing here: the next tick reads which of the session's leases no longer stand. */
    uint64_t had_lease, had_session;

    enum fm_queue_outcome outcome;
    enum fm_error_code failure;
    void (*done)(struct fm_queue_event *event);
    void *context;
    struct fm_queue_event *next; /* private to the queue, like added_at_ms */
    int64_t added_at_ms;
};

/* A new event of this kind, all other members zero. */
struct fm_queue_event *fm_queue_event_new(enum fm_queue_kind kind);
/* Frees the event and its spec_copy, not what its slices point at. Null-safe. */
void fm_queue_event_destroy(struct fm_queue_event **event);

struct fm_queue;
/* `broker` is the random number that identifies this run of the broker. Connects in the background:
 * the first fm_queue_pump calls move the connection on. */
struct fm_queue *fm_queue_new(const char *database_url, uint64_t broker);
/* Calls `done` of every remaining event: FAILED with UNAVAILABLE, unless its outcome is known. */
void fm_queue_destroy(struct fm_queue **queue);
/* Takes ownership of the event; it runs in the next flush that has room. */
void fm_queue_add(struct fm_queue *queue, struct fm_queue_event *event);
/* The number of events that were added and whose `done` has not been called. */
size_t fm_queue_pending(const struct fm_queue *queue);
/* For poll(): -1 while there is no connection. */
int fm_queue_fd(const struct fm_queue *queue);
short fm_queue_poll_events(const struct fm_queue *queue);
/* Starts a flush when the queue is idle and events wait, moves a running flush on, and calls `done`
 * of the events that have their outcome; `done` may add events. Returns how many milliseconds the
 * caller may sleep at most (-1: until the descriptor is ready). While the database is away, events
 * wait; ENQUEUE, CANCEL and DELETE fail after 5 s, since a client waits behind them, and all others
 * wait until the database is back. */
int fm_queue_pump(struct fm_queue *queue);
bool fm_queue_is_connected(const struct fm_queue *queue);
/* How long the last successful flush took, in milliseconds, and how many events it had. */
void fm_queue_last_flush(const struct fm_queue *queue, int64_t *ms, size_t *events);

#endif
