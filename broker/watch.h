/*
 * Who waits for which job: requests held open until its state changes (long-poll). The queue thread
 * tells of every move it commits; the tick asks about the rest. Threads: any; `changed` is called
 * on the thread that tells, unlocked.
 */
#ifndef FM_BROKER_WATCH_H
#define FM_BROKER_WATCH_H

#include "common/error.h"
#include "common/id.h"

struct fm_watch;
struct fm_watch_entry {
    struct fm_id job;
    void (*changed)(
        struct fm_watch_entry *entry); /* at most once; the entry is out of the set by then */
    void *context;
    struct fm_watch_entry *next, *prev; /* the set's own */
    bool is_listed;
};

struct fm_watch *fm_watch_new(void);
void fm_watch_destroy(struct fm_watch **watch);
void fm_watch_add(struct fm_watch *watch, struct fm_watch_entry *entry);
/* True if it was still in the set (so `changed` will not be called). */
bool fm_watch_remove(struct fm_watch *watch, struct fm_watch_entry *entry);
/* The job moved. */
void fm_watch_tell(struct fm_watch *watch, const struct fm_id *job);
/* Up to `limit` distinct jobs somebody waits for, from `*cursor` on (round robin). */
size_t fm_watch_jobs(struct fm_watch *watch, struct fm_id *out, size_t limit);

#endif
