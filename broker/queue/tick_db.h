/*
 * Brokers meet only in the database: every 250 ms one look, on a connection of its own
 * (docs/architecture.md, law 6): epochs, heads of waiting, which watched jobs changed, which of my
 * leases no longer stand. Never blocks. Threads: the queue thread alone.
 */
#ifndef FM_BROKER_QUEUE_TICK_DB_H
#define FM_BROKER_QUEUE_TICK_DB_H

#include "broker/queue/reason.h"
#include "common/id.h"
#include "common/text.h"

/* One waiting job, a key that may be claimed. */
struct fm_tick_head {
    struct fm_id account, id;
    int64_t run_at_us;
    struct fm_id avoid; /* zero: none */
    unsigned lane, site;
    unsigned most; /* so many of its account and lane were asked for */
    uint64_t cap;  /* its account's running jobs at most; 0: any number */
};

struct fm_tick_node {
    struct fm_id id;
    char name[65];
    char public_key[41];
    bool is_revoked;
};

/* Leases asked about, and what comes back. */
struct fm_tick_lease {
    struct fm_id account, id;
    uint64_t lease;
};

struct fm_tick_session {
    uint64_t id, broker, beat, boot;
    struct fm_id node;
};

/* Jobs of an account that run on other brokers' workers. */
struct fm_tick_running {
    struct fm_id account;
    uint64_t count;
};

/* Filled by the caller before, read in `done` after. Arrays are the caller's until done. */
struct fm_tick_query {
    const char *const *pools; /* heads are read for these, … */
    const unsigned *windows;  /* … about so many, shared by the accounts and lanes that wait */
    size_t pool_count;
    const struct fm_tick_lease *leases;
    size_t lease_count;
    const struct fm_id *watched; /* jobs somebody waits for */
    size_t watched_count;
    bool wants_sessions; /* every session, for the observers' round */
    bool wants_nodes;    /* the node set (an epoch moved, or the first time) */
    bool wants_pauses;   /* likewise */
    bool heads_alone;    /* nothing else is asked, epochs apart: a look between two ticks */
};

struct fm_tick_answer {
    uint64_t node_epoch, key_epoch, pause_epoch;
    struct fm_tick_head *heads;
    size_t *head_pool; /* index into ask->pools, one a head */
    size_t head_count;
    struct fm_tick_running *others; /* but for looks between two ticks */
    size_t others_count;
    struct fm_tick_lease *gone; /* of the leases asked about: no longer standing */
    size_t gone_count;
    struct fm_id *ended; /* of the watched: in done now */
    size_t ended_count;
    struct fm_id *running; /* of the watched: leased now */
    size_t running_count;
    struct fm_tick_lease *overdue; /* leased a minute past their deadline (session mine) */
    size_t overdue_count;
    struct fm_tick_session *sessions;
    size_t session_count;
    struct fm_tick_node *nodes;
    size_t node_count;
    struct fm_reason_pause *pauses;
    size_t pause_count;
};

struct fm_tick_db;
struct fm_tick_db *fm_tick_db_new(const char *database_url, uint64_t broker);
void fm_tick_db_destroy(struct fm_tick_db **tick);
/* Starts one; false when one is under way or there is no connection (which it works on). `done`
 * gets the answer (freed after the call), or NULL when the look failed. */
bool fm_tick_db_start(struct fm_tick_db *tick, const struct fm_tick_query *ask,
                      void (*done)(void *context, const struct fm_tick_answer *answer),
                      void *context);
int fm_tick_db_fd(const struct fm_tick_db *tick);
short fm_tick_db_poll_events(const struct fm_tick_db *tick);
int fm_tick_db_pump(struct fm_tick_db *tick);

#endif
