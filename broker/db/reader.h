/*
 * Batches of waiting look-ups: all requests of all front threads that wait for a key (and perhaps a
 * job) are answered by one statement on one of a few read connections (law 8: validity is never
 * cached). A batch unanswered for 900 ms is asked again on another connection; none answers →
 * UNAVAILABLE. Threads: ask from any; `done` is called on a reader thread, exactly once.
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

/* What a job's one JSON object is made from. Slices live as long as the look-up. */
struct fm_reader_job {
    struct fm_id id, account, key, batch, retry_of;
    enum fm_state state; /* RUNNING, SCHEDULED, QUEUED or how it ended */
    struct fm_slice spec;
    struct fm_slice progress; /* packed progress, while running */
    struct fm_slice result;   /* packed result, once ended */
    const char *node;         /* name; NULL */
    enum fm_error_code error;
    const char *pool; /* of a live one that was looked up; NULL */
    unsigned lane;    /* likewise */
    int64_t ahead;    /* of position.h; -1: unknown */
    bool is_retry;    /* waits for its time after a failed try: queue.reason "retry" */
    unsigned starts, max_attempts;
    uint64_t lease; /* of the winner, once succeeded: outputs' store key */
    int64_t run_at_us, started_at_us, completed_at_us, expires_at_us; /* 0: none */
};

struct fm_reader_lookup {
    /* In: one of the two; a job, or counts, or neither. */
    bool has_digest;
    uint8_t digest[FM_HASH_SIZE]; /* of the key presented */
    struct fm_id
        account; /* without a digest: whose job (signed URLs, waits that were authorised) */
    bool wants_job;
    struct fm_id job;
    bool wants_counts;

    /* Out. */
    enum fm_error_code failure; /* UNAVAILABLE, or NONE */
    bool has_key;               /* found, not revoked, not expired */
    struct fm_id key_id, key_account;
    unsigned scopes; /* FM_SCOPE_… */
    const char *key_name, *key_last4, *account_name, *plan;
    int64_t key_expires_at_us;
    bool is_operator;
    bool has_job; /* of that account */
    struct fm_reader_job found;
    uint64_t queued_jobs, running_jobs; /* of the account; only when wants_counts */
    struct fm_arena *arena;             /* owned by the look: fm_reader_lookup_done */

    void (*done)(struct fm_reader_lookup *look);
    void *context;
    struct fm_reader_lookup *next; /* the reader's, as is asked_at_ms */
    int64_t asked_at_ms;
};

/* A statement of its own: a page of a list, a count. */
struct fm_reader_query {
    struct fm_db_call call; /* in: borrowed until `done` */
    void (*done)(struct fm_reader_query *query);
    void *context;
    /* Out: UNAVAILABLE, DATABASE, or NONE and the rows, the asker's. */
    enum fm_error_code failure;
    struct fm_db_rows *rows;
    struct fm_reader_query *next; /* the reader's, as is asked_at_ms */
    int64_t asked_at_ms;
};

struct fm_reader;
/* Connects in the background; `threads` connections. */
struct fm_reader *fm_reader_new(const char *database_url, unsigned threads);
/* Answers what waits with UNAVAILABLE, then joins. */
void fm_reader_destroy(struct fm_reader **reader);
void fm_reader_look_up(struct fm_reader *reader, struct fm_reader_lookup *look);
/* Runs when a thread is free for it: all but one at most run these, so that look-ups never wait
 * behind a long read. One unanswered for 5 s is UNAVAILABLE. */
void fm_reader_query(struct fm_reader *reader, struct fm_reader_query *query);
/* Frees what a done look points at; the struct stays the caller's. */
void fm_reader_lookup_done(struct fm_reader_lookup *look);
/* True when the last statement was answered: /readyz. */
bool fm_reader_is_ready(const struct fm_reader *reader);

#endif
