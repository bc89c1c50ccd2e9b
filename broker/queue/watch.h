/*
 * The requests that are held open until the state of a job changes (long-poll), by job. The queue
 * thread reports every move it commits; the tick reads the jobs that other brokers move, and what
 * it reads is compared with what each waiter has seen. Threads: any; `changed` is called on the
 * reporting thread, without the lock.
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
    /* Called at most once, when the entry is no longer in the set. */
    void (*changed)(struct fm_watch_entry *entry);
    void *context;
    struct fm_watch_entry *next, *prev; /* private to watch.c, with the two members below */
    bool is_listed;
    enum fm_watch_known known;
};

struct fm_watch *fm_watch_new(void);
void fm_watch_destroy(struct fm_watch **watch);
void fm_watch_add(struct fm_watch *watch, struct fm_watch_entry *entry);
/* True if the entry was still in the set: `changed` will not be called. False: `changed` was
 * called, or is being called on another thread. */
bool fm_watch_remove(struct fm_watch *watch, struct fm_watch_entry *entry);
/* What the waiter has seen since it was added. Before this call only the job's end wakes it. */
void fm_watch_know(struct fm_watch *watch, struct fm_watch_entry *entry, enum fm_watch_known known);
/* The job moved: wakes all its waiters. */
void fm_watch_wake(struct fm_watch *watch, const struct fm_id *job);
/* The job has not ended and is in this state: wakes the waiters that have seen another one. */
void fm_watch_compare(struct fm_watch *watch, const struct fm_id *job, enum fm_watch_known state);
/* Every present waiter must read its job again; fm_watch_wake_stale wakes them, a few at a call. */
void fm_watch_renew(struct fm_watch *watch);
/* Wakes the waiters of up to `limit` jobs that were watched before the last fm_watch_renew; true
 * while more may be left. */
bool fm_watch_wake_stale(struct fm_watch *watch, size_t limit);
/* The number of jobs that are waited for, and of waiters. */
size_t fm_watch_count(struct fm_watch *watch);
size_t fm_watch_waiters(struct fm_watch *watch);
/* Up to `limit` distinct jobs that are waited for. Each call goes on where the last one ended. */
size_t fm_watch_jobs(struct fm_watch *watch, struct fm_id *out, size_t limit);

#endif
