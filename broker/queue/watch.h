/*
 * Who waits for which job: requests held open until its state changes (long-poll). The queue thread
 * tells of every move it commits; the tick asks about the rest, and what it learns is held against
 * what each waiter knows. Threads: any; `changed` is called on the thread that tells, unlocked.
 */
#ifndef FM_BROKER_QUEUE_WATCH_H
#define FM_BROKER_QUEUE_WATCH_H

#include "common/error.h"
#include "common/id.h"

/* What a waiter has seen of its job. */
enum fm_watch_known { FM_WATCH_UNKNOWN, FM_WATCH_WAITING, FM_WATCH_RUNNING };

struct fm_watch;
struct fm_watch_entry {
    struct fm_id job;
    void (*changed)(
        struct fm_watch_entry *entry); /* at most once; the entry is out of the set by then */
    void *context;
    struct fm_watch_entry *next, *prev; /* the set's own, as are the two below */
    bool is_listed;
    enum fm_watch_known known;
};

struct fm_watch *fm_watch_new(void);
void fm_watch_destroy(struct fm_watch **watch);
void fm_watch_add(struct fm_watch *watch, struct fm_watch_entry *entry);
/* True if it was still in the set (so `changed` will not be called). */
bool fm_watch_remove(struct fm_watch *watch, struct fm_watch_entry *entry);
/* What the waiter saw since it was added; until then it is told of the job's end alone. */
void fm_watch_know(struct fm_watch *watch, struct fm_watch_entry *entry, enum fm_watch_known known);
/* The job moved. */
void fm_watch_tell(struct fm_watch *watch, const struct fm_id *job);
/* The job is not ended: told to those who know otherwise. */
void fm_watch_compare(struct fm_watch *watch, const struct fm_id *job, enum fm_watch_known state);
/* All who wait now are to look again: fm_watch_tell_stale tells them, a few at a call. */
void fm_watch_renew(struct fm_watch *watch);
/* Tells of up to `limit` jobs; true while there are more. */
bool fm_watch_tell_stale(struct fm_watch *watch, size_t limit);
/* How many jobs somebody waits for, and how many wait. */
size_t fm_watch_count(struct fm_watch *watch);
size_t fm_watch_waiters(struct fm_watch *watch);
/* Up to `limit` distinct jobs somebody waits for, each call from where the last one ended. */
size_t fm_watch_jobs(struct fm_watch *watch, struct fm_id *out, size_t limit);

#endif
