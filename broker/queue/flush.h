/*
 * One transaction of the queue: which events it takes, which statements they become, and what the
 * rows that come back mean for each event. It may not touch a connection; queue.c runs it.
 * Threads: the queue thread.
 */
#ifndef FM_BROKER_QUEUE_FLUSH_H
#define FM_BROKER_QUEUE_FLUSH_H

#include "broker/db/db.h"
#include "broker/queue/queue.h"

#define FM_FLUSH_MAX 1024          /* events of one transaction */
#define FM_FLUSH_PARAMETERS_MAX 96 /* of all statements of statement.c together */

struct fm_flush {
    struct fm_queue_event *events[FM_FLUSH_MAX]; /* sorted by kind */
    bool is_answered[FM_FLUSH_MAX];
    size_t count;
    size_t first[FM_QUEUE_KINDS + 1]; /* index of each kind's first event */
    uint64_t broker;
    bool is_again; /* an earlier run of these events ended without a known outcome */

    struct fm_db_call calls[FM_DB_CALLS_MAX];
    size_t statement_of[FM_DB_CALLS_MAX];
    size_t call_count;
    struct fm_text texts[FM_FLUSH_PARAMETERS_MAX];
    const char *parameters[FM_FLUSH_PARAMETERS_MAX];
    int lengths[FM_FLUSH_PARAMETERS_MAX];
    size_t parameter_count;
};

struct fm_flush *fm_flush_new(uint64_t broker);
void fm_flush_destroy(struct fm_flush **flush);
/* Takes up to `limit` events off the list. Of two events of a kind that concern the same job or
 * session, the later one keeps its place in the list for the next flush. */
void fm_flush_take(struct fm_flush *flush, struct fm_queue_event **list, size_t limit);
/* Gives the events back to the head of the list. */
void fm_flush_give_back(struct fm_flush *flush, struct fm_queue_event **list);
/* Takes one event out of the flush, unanswered; it is the caller's. */
struct fm_queue_event *fm_flush_remove(struct fm_flush *flush, size_t index);

/* Builds the calls of the transaction, from BEGIN to COMMIT. */
void fm_flush_build(struct fm_flush *flush);
/* Reads the rows after the commit. Every event then has its outcome, except those whose rows did
 * not move and that need the second read. */
void fm_flush_read(struct fm_flush *flush, struct fm_db *db);
/* Takes out the events that have their outcome (`all`: every event) and returns their number.
 * Events that answer a worker come first, so that their messages leave before new jobs do. Those
 * that stay need the second read. */
size_t fm_flush_take_answered(struct fm_flush *flush, bool all,
                              struct fm_queue_event *out[FM_FLUSH_MAX]);
/* The second read, with a new snapshot: where are the jobs whose rows did not move? It gives every
 * remaining event its outcome. */
void fm_flush_build_second_read(struct fm_flush *flush);
void fm_flush_read_second(struct fm_flush *flush, struct fm_db *db);

#endif
