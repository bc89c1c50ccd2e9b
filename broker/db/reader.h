/*
 * Looks up API keys and jobs for requests. The lookups of all front threads that wait at the same
 * time are answered together by one statement, on one of a few read-only connections; nothing is
 * cached, so a revoked key fails at once (docs/architecture.md, law 8). A batch without an answer
 * for 900 ms is asked again on another connection; a lookup without an answer for 2 s is
 * UNAVAILABLE. Also runs single slower reads, such as pages of a list.
 * Before: requests. After: db, then reader_row (rows into structs).
 * Owns: its threads and their connections. Threads: any may ask; `done` is called exactly once, on
 * a reader thread or within fm_reader_destroy.
 */
#ifndef FM_BROKER_DB_READER_H
#define FM_BROKER_DB_READER_H

#include "broker/db/db.h"
#include "common/error.h"
#include "common/hash.h"
#include "common/id.h"
#include "common/memory.h"
#include "common/state.h"
#include "common/text.h"

/* A job's row, with all that its JSON object needs. Slices and texts live as long as the lookup's
 * arena. */
struct fm_reader_job {
    struct fm_id id, account, key, batch, retry_of;
    enum fm_state state; /* RUNNING, SCHEDULED, QUEUED or a final state */
    struct fm_slice spec;
    struct fm_slice progress; /* packed progress, while running */
    struct fm_slice result;   /* packed result, once ended */
    const char *node;         /* name; NULL */
    enum fm_error_code error;
    const char *pool; /* set for a live job that was looked up, else NULL; so is `lane` */
    unsigned lane;
    int64_t ahead; /* jobs before it, from position.h; -1: unknown */
    bool is_retry; /* waits for its next try after a failed one: queue.reason "retry" */
    unsigned starts, max_attempts;
    uint64_t lease; /* of the attempt that succeeded: part of its outputs' store key */
    int64_t run_at_us, started_at_us, completed_at_us, expires_at_us; /* 0: none */
};

struct fm_reader_lookup {
    /* In: either a key's digest or an account; and a job, or counts, or neither. */
    bool has_digest;
    uint8_t digest[FM_HASH_SIZE]; /* of the presented key */
    struct fm_id account; /* without a digest: the job's owner (signed URLs, authorised waits) */
    bool wants_job;
    struct fm_id job;
    bool wants_counts;

    /* Out. */
    enum fm_error_code failure; /* UNAVAILABLE, or NONE */
    bool has_key;               /* the key exists and is neither revoked nor expired */
    struct fm_id key_id, key_account;
    unsigned scopes; /* FM_SCOPE_… */
    const char *key_name, *key_last4, *account_name, *plan;
    int64_t key_expires_at_us;
    bool is_operator;
    bool has_job; /* the job exists and belongs to the account */
    struct fm_reader_job found;
    uint64_t queued_jobs, running_jobs; /* of the account; only when wants_counts */
    struct fm_arena *arena;             /* owned by the lookup, freed by fm_reader_lookup_done */

    void (*done)(struct fm_reader_lookup *lookup);
    void *context;
    struct fm_reader_lookup *next; /* the reader's, as is asked_at_ms */
    int64_t asked_at_ms;
};

/* A read that is not batched: a page of a list, a count. */
struct fm_reader_query {
    struct fm_db_call call; /* in: borrowed until `done` */
    void (*done)(struct fm_reader_query *query);
    void *context;
    /* Out: UNAVAILABLE, DATABASE, or NONE and the rows, which the caller then owns. */
    enum fm_error_code failure;
    struct fm_db_rows *rows;
    struct fm_reader_query *next; /* the reader's, as is asked_at_ms */
    int64_t asked_at_ms;
};

struct fm_reader;
/* Starts `threads` threads with a connection each; they connect in the background. */
struct fm_reader *fm_reader_new(const char *database_url, unsigned threads);
/* Joins the threads; lookups and queries that still wait end with UNAVAILABLE. */
void fm_reader_destroy(struct fm_reader **reader);
void fm_reader_look_up(struct fm_reader *reader, struct fm_reader_lookup *lookup);
/* Runs when a thread is free for it. If there are several threads, one is always left for lookups,
 * so that they never wait behind a long read. UNAVAILABLE after 5 s without an answer. */
void fm_reader_query(struct fm_reader *reader, struct fm_reader_query *query);
/* Frees the memory that a finished lookup points at; the struct stays the caller's. */
void fm_reader_lookup_done(struct fm_reader_lookup *lookup);
/* True if a statement was answered in the last 3 s: for /readyz. */
bool fm_reader_is_ready(const struct fm_reader *reader);

#endif
