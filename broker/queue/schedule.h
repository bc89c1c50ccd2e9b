/*
 * Which waiting job starts next: a short window of keys for each pool, lanes weighted 4 : 2 : 1,
 * round robin over the accounts inside a lane. A cache of the waiting rows: filled by reads of
 * their heads and by the jobs this broker enqueues itself, and it may be wrong, since a claim
 * checks each key in the database. Pure: no SQL, no socket, no clock. Threads: the queue thread.
 */
#ifndef FM_BROKER_QUEUE_SCHEDULE_H
#define FM_BROKER_QUEUE_SCHEDULE_H

#include "broker/queue/running_limit.h"
#include "broker/queue/tick_db.h"

struct fm_schedule;
/* Accounts at their running limit are passed over. `running_limit` is borrowed; NULL: no limits. */
struct fm_schedule *fm_schedule_new(const struct fm_running_limit *running_limit);
void fm_schedule_destroy(struct fm_schedule **schedule);

/* A read of the waiting keys begins, whose result the next fm_schedule_refill gets: it sees every
 * claim that is settled by now, and may miss jobs that come from now on. */
void fm_schedule_begin_refill(struct fm_schedule *schedule);
/* Replaces the pool's window by these heads (in the order given, inside each account and lane) and
 * by the jobs that came to wait since that read began. Each account keeps its turn in the round. */
void fm_schedule_refill(struct fm_schedule *schedule, const char *pool,
                        const struct fm_tick_head *heads, size_t count);
/* The claim of a taken key is committed, or has failed. Before that, and by a read that began
 * before that, a refill does not put the key back: it would be claimed in vain, at its lane's
 * expense. */
void fm_schedule_settle(struct fm_schedule *schedule, const struct fm_id *id);
/* Takes the next key for a node out of the window, passing over accounts at their running limit
 * and, if `may_avoid`, over keys that should avoid this node. False: none is known. */
bool fm_schedule_next(struct fm_schedule *schedule, const char *pool, const struct fm_id *node,
                      bool may_avoid, struct fm_tick_head *head);
bool fm_schedule_is_empty(const struct fm_schedule *schedule, const char *pool);

/* A job that this broker enqueues is about to wait in the pool. Until fm_schedule_arrive is called
 * for it, the pool is not open. */
void fm_schedule_expect(struct fm_schedule *schedule, const char *pool);
/* That job is committed and stands behind all others of its account and lane. NULL: it will not
 * wait. */
void fm_schedule_arrive(struct fm_schedule *schedule, const char *pool,
                        const struct fm_tick_head *head);
/* Jobs may wait that no read has seen: no pool counts as known until a read that begins after this
 * call. Windows and turns in the round stay. */
void fm_schedule_doubt(struct fm_schedule *schedule);
/* True if a new job would overtake no other: as far as this broker can know, no job waits in the
 * pool, and none is about to. */
bool fm_schedule_is_open(const struct fm_schedule *schedule, const char *pool);
/* True if a read would add keys of the pool: the pool is not known, or its last read left keys out
 * and fewer than `enough` are at hand. */
bool fm_schedule_wants_refill(const struct fm_schedule *schedule, const char *pool, size_t enough);
/* Up to `limit` accounts that have jobs waiting for their running limit. Returns their number. */
size_t fm_schedule_at_limit(const struct fm_schedule *schedule, struct fm_id *out, size_t limit);

#endif
