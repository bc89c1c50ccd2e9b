/*
 * The only file that moves a job. Events are added, one flush at a time takes all that wait and
 * runs them as one transaction (group commit) on a connection of its own, and each event's `done`
 * is called after the commit. Never blocks: the queue thread polls fm_queue_fd and calls
 * fm_queue_pump. A broker has two of them, one for what starts jobs: events of different queues run
 * side by side, as those of two brokers do. Threads: the queue thread alone. The page in queue.c's
 * head says which event moves which rows.
 */
#ifndef FM_BROKER_QUEUE_QUEUE_H
#define FM_BROKER_QUEUE_QUEUE_H

#include "common/error.h"
#include "common/id.h"
#include "common/state.h"
#include "common/text.h"
#include "proto/operations.h"

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

/* What became of an event. */
enum fm_queue_outcome {
    FM_QUEUE_MOVED,   /* its rows moved (again, if it ran twice) */
    FM_QUEUE_STALE,   /* FINISH, RELEASE, PROGRESS: the lease does not stand; CLAIM: a rival has it;
                         BEAT: not mine; EXPIRE: its beat is another; DELETE: it is leased;
                         DEFER: claimed meanwhile */
    FM_QUEUE_ENDED,   /* CANCEL: in done already: `state` says how · DELETE: it ended meanwhile ·
                         RELEASE: a count was at its limit: in done */
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

/* One event. Made by whoever adds it, owned by the queue until `done`, which owns it again (and
 * frees it). Slices point at memory that lives as long as the event. */
struct fm_queue_event {
    enum fm_queue_kind kind;
    struct fm_id account, id; /* the job */
    uint64_t lease;           /* CLAIM: made by the caller; FINISH, RELEASE, PROGRESS: the fence;
                                 ENQUEUE: to be born leased by it, 0: to wait */
    uint64_t session;         /* CLAIM, ATTACH, EXPIRE, BEAT; ENQUEUE: where it is born leased */

    /* ENQUEUE */
    struct fm_id key, retry_of; /* retry_of zero: of none */
    enum fm_type type;
    unsigned site;
    const char *pool; /* "any:net" */
    enum fm_priority lane;
    int64_t run_at_us; /* 0: now */
    unsigned max_tries, timeout_seconds, expires_seconds;
    struct fm_slice spec;
    uint64_t cap; /* running jobs of the account at most, for who may lease it; 0: any number */
    /* Out of ENQUEUE: leased as asked. Not so, where the session was not this broker's any more: it
     * waits. Where that could not be read any more, `failure` says UNCERTAIN though it MOVED. */
    bool is_leased;

    /* PROGRESS (packed progress), FINISH (packed result, or empty) */
    struct fm_slice packed;
    /* FINISH */
    enum fm_state state; /* SUCCEEDED or FAILED; out of CANCEL/ENDED: how it had ended */
    const struct fm_file_facts *files;
    size_t file_count;
    /* FINISH failed, RELEASE */
    enum fm_error_code error;
    const char *detail;
    enum fm_queue_release release;
    uint64_t delay_ms; /* RELEASE RETRY: of the first try; times 4 for each one before, at most 15
                          minutes */
    struct fm_id node; /* FINISH, RELEASE: on which node; ATTACH: whose session */

    /* ATTACH: boot, leases it holds (those of the session not listed are released uncounted). Out:
     * `session` is the id that stands; older sessions of the node are expired in the same flush.
     * STALE: a higher boot is known. */
    uint64_t boot;
    uint64_t beat;
    struct fm_queue_held *held;
    size_t held_count;
    /* EXPIRE: count a loss (silence), or not (BYE, revoked). `beat` is the one that was seen:
     * another one means that the session lives, STALE; 0 expires it whatever its beat. A session
     * that is gone already is MOVED. Older sessions of a node that attaches end with a loss each:
     * that process has died. */
    bool is_loss;

    /* Out of CLAIM, and but for the spec out of ENQUEUE: what JOB needs (owned by the event: free
     * spec_copy with the event). */
    char *spec_copy;
    size_t spec_length;
    unsigned starts;
    int64_t time_left_ms;
    /* Out of ATTACH and EXPIRE: which of the session's leases stand (ATTACH) or ended/returned
     * (EXPIRE) is told by the next tick; nothing here. Out of CANCEL: the lease it had, 0 if it
     * waited, and its session. */
    uint64_t had_lease, had_session;

    enum fm_queue_outcome outcome;
    enum fm_error_code failure;
    void (*done)(struct fm_queue_event *event);
    void *context;
    struct fm_queue_event *next; /* the queue's, as is added_at_ms */
    int64_t added_at_ms;
};

/* A new event of that kind, all else zero. */
struct fm_queue_event *fm_queue_event_new(enum fm_queue_kind kind);
/* Frees it and spec_copy; not what its slices point at. */
void fm_queue_event_destroy(struct fm_queue_event **event);

struct fm_queue;
/* `broker` is this process's boot, a random number. Connects in the background. */
struct fm_queue *fm_queue_new(const char *database_url, uint64_t broker);
/* Events that are not done become FAILED, UNAVAILABLE. */
void fm_queue_destroy(struct fm_queue **queue);
/* Takes the event; it runs with the next flush. */
void fm_queue_add(struct fm_queue *queue, struct fm_queue_event *event);
/* Events that were added and are not done. */
size_t fm_queue_pending(const struct fm_queue *queue);
/* For poll(): -1 while there is no connection. */
int fm_queue_fd(const struct fm_queue *queue);
short fm_queue_poll_events(const struct fm_queue *queue);
/* Starts a flush when idle and something waits, moves a running one on, calls `done` of what ended.
 * Returns how many milliseconds it may sleep at most (-1: until its descriptor is ready). While the
 * database is away events wait; ENQUEUE, CANCEL and DELETE fail with UNAVAILABLE after 5 s there,
 * all others wait for good. */
int fm_queue_pump(struct fm_queue *queue);
bool fm_queue_is_connected(const struct fm_queue *queue);
/* Milliseconds of the last flush, and how many events it took: for the log and metrics. */
void fm_queue_last_flush(const struct fm_queue *queue, int64_t *ms, size_t *events);

#endif
