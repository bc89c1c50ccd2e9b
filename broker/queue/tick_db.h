/*
 * Runs the reads of a tick on a connection of its own and returns the rows as one struct. It only
 * reads; tick.c decides what to ask and what the answer means. Brokers meet only in the database
 * (docs/architecture.md, law 6), so a broker learns here what the others did: epochs, heads of the
 * waiting jobs, watched jobs that changed, leases that no longer stand. Never blocks.
 * Before: tick. After: db. Owns: its connection. Threads: the queue thread alone.
 */
#ifndef FM_BROKER_QUEUE_TICK_DB_H
#define FM_BROKER_QUEUE_TICK_DB_H

#include "broker/queue/reason.h"
#include "common/id.h"
#include "common/text.h"

/* One waiting job that may be claimed. */
struct fm_tick_head {
    struct fm_id account, id;
    int64_t run_at_us;
    struct fm_id avoid; /* the node of its last loss or crash; zero: none */
    unsigned lane, site;
    unsigned most; /* the limit of this read for its account and lane: at it, more may wait */
    uint64_t running_limit; /* its account's running limit; 0: no limit */
};

struct fm_tick_node {
    struct fm_id id;
    char name[65];
    char public_key[41];
    bool is_revoked;
};

/* A lease in a query or in an answer. */
struct fm_tick_lease {
    struct fm_id account, id;
    uint64_t lease;
};

struct fm_tick_session {
    uint64_t id, broker, beat, boot;
    struct fm_id node;
};

/* How many jobs of an account run on other brokers' workers. */
struct fm_tick_running {
    struct fm_id account;
    uint64_t count;
};

/* Filled by the caller, who keeps the query and its arrays unchanged until `done` is called. */
struct fm_tick_query {
    const char *const *pools; /* read heads for these pools */
    const unsigned *windows;  /* about how many heads of each pool, over all accounts and lanes */
    size_t pool_count;
    const struct fm_tick_lease *leases;
    size_t lease_count;
    const struct fm_id *watched; /* jobs that clients wait for */
    size_t watched_count;
    bool wants_sessions;   /* all sessions, once a round */
    bool wants_nodes;      /* the node set: the node epoch has changed, or this is the first read */
    bool wants_pauses;     /* the pauses, by the pause epoch */
    bool wants_heads_only; /* a read between two ticks: epochs and heads, nothing else */
};

struct fm_tick_answer {
    uint64_t node_epoch, key_epoch, pause_epoch;
    struct fm_tick_head *heads;
    size_t *head_pool; /* each head's index into the query's `pools`, ascending */
    size_t head_count;
    struct fm_tick_running *others; /* empty if `wants_heads_only` */
    size_t others_count;
    struct fm_tick_lease *gone; /* leases of the query that no longer stand */
    size_t gone_count;
    struct fm_id *ended; /* watched jobs that have ended, in the query's order */
    size_t ended_count;
    struct fm_id *running; /* watched jobs that are leased, in the query's order */
    size_t running_count;
    struct fm_tick_lease *overdue; /* this broker's leases a minute past their deadline */
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
/* Sends the reads. False when others are under way or there is no connection yet; each call moves
 * the connection on. `done` is called once, by fm_tick_db_pump, with the answer (valid during the
 * call only), or with NULL when a read failed or took longer than 2 s. */
bool fm_tick_db_start(struct fm_tick_db *tick, const struct fm_tick_query *query,
                      void (*done)(void *context, const struct fm_tick_answer *answer),
                      void *context);
/* For poll(): -1 while there is no connection. */
int fm_tick_db_fd(const struct fm_tick_db *tick);
short fm_tick_db_poll_events(const struct fm_tick_db *tick);
/* Moves the reads on. Returns how many milliseconds the caller may sleep at most (-1: until the
 * descriptor is ready). */
int fm_tick_db_pump(struct fm_tick_db *tick);

#endif
