/*
 * What one transaction is made of: the events it takes, the statements they become, and what their
 * rows say. It knows no connection; queue.c runs it. Threads: the queue thread alone.
 */
#ifndef FM_BROKER_QUEUE_FLUSH_H
#define FM_BROKER_QUEUE_FLUSH_H

#include "broker/db/db.h"
#include "broker/queue/queue.h"

#define FM_FLUSH_MAX 1024
#define FM_FLUSH_PARAMETERS_MAX 96

struct fm_flush {
    struct fm_queue_event *events[FM_FLUSH_MAX]; /* sorted by kind */
    bool is_answered[FM_FLUSH_MAX];
    size_t count;
    size_t first[FM_QUEUE_KINDS + 1]; /* where a kind's events begin */
    uint64_t broker;
    bool is_again; /* it ran once and nobody knows how that ended */

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
/* Takes up to `limit` events off the list; one that concerns the same thing in the same way as
 * another stays for the next flush, in its place. */
void fm_flush_take(struct fm_flush *flush, struct fm_queue_event **list, size_t limit);
/* Gives the events back to the head of the list. */
void fm_flush_give_back(struct fm_flush *flush, struct fm_queue_event **list);
/* Takes one event out, unanswered. */
struct fm_queue_event *fm_flush_remove(struct fm_flush *flush, size_t index);

/* The transaction, from BEGIN to COMMIT. */
void fm_flush_build(struct fm_flush *flush);
/* Its rows, once committed: every event is answered but those that need the second look. */
void fm_flush_read(struct fm_flush *flush, struct fm_db *db);
/* Takes the events that are answered (true: all of them), those first that answer workers: their
 * words leave before new jobs do. What is left needs the second look. */
size_t fm_flush_take_answered(struct fm_flush *flush, bool all,
                              struct fm_queue_event *out[FM_FLUSH_MAX]);
/* The second look: where are the jobs whose rows did not move? It answers all. */
void fm_flush_build_look(struct fm_flush *flush);
void fm_flush_read_look(struct fm_flush *flush, struct fm_db *db);

#endif
