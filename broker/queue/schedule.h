/*
 * Which key next: short windows of waiting keys per pool, lanes weighted 4 : 2 : 1, round robin
 * over accounts inside a lane. A cache: filled by looks, and by what this broker itself puts among
 * the waiting; doubted at will. Pure: no SQL, no socket, no clock. Threads: one.
 */
#ifndef FM_BROKER_QUEUE_SCHEDULE_H
#define FM_BROKER_QUEUE_SCHEDULE_H

#include "broker/queue/running_limit.h"
#include "broker/queue/tick_db.h"

struct fm_schedule;
/* Accounts at their cap are passed over; `cap` is borrowed, NULL: there are no caps. */
struct fm_schedule *fm_schedule_new(const struct fm_running_limit *cap);
void fm_schedule_destroy(struct fm_schedule **order);

/* A look at the waiting keys begins, the one that refill is told next: it sees every claim that is
 * settled by now, and need not see what comes from now on. */
void fm_schedule_begin_refill(struct fm_schedule *order);
/* Replaces the pool's window by these heads (in the order given inside each account and lane), and
 * what came to wait since the look began; the place of each account in the round stays. */
void fm_schedule_refill(struct fm_schedule *order, const char *pool,
                        const struct fm_tick_head *heads, size_t count);
/* The claim of a taken key is committed, or failed. Until then, and by a look that began before,
 * refill does not put it back: it would be claimed in vain, at its lane's expense. */
void fm_schedule_settle(struct fm_schedule *order, const struct fm_id *id);
/* Takes the next key for a node, passing over accounts at their cap, and over keys that should
 * avoid the node while `may_avoid`. False: none known. */
bool fm_schedule_next(struct fm_schedule *order, const char *pool, const struct fm_id *node,
                      bool may_avoid, struct fm_tick_head *head);
bool fm_schedule_is_empty(const struct fm_schedule *order, const char *pool);

/* A job of this broker's is on its way to wait in the pool, … */
void fm_schedule_expect(struct fm_schedule *order, const char *pool);
/* … and has come, committed, behind all others of its account and lane; NULL: it will not. */
void fm_schedule_arrive(struct fm_schedule *order, const char *pool,
                        const struct fm_tick_head *head);
/* Jobs may have come to wait that no look has seen: no pool counts as known until a look that
 * begins after this. Windows and places in the round stay. */
void fm_schedule_doubt(struct fm_schedule *order);
/* Nobody would be overtaken: as far as this broker can know, no job waits in the pool nor is about
 * to. */
bool fm_schedule_is_open(const struct fm_schedule *order, const char *pool);
/* A look would tell more of the pool: it is not known, or keys were left out and fewer than
 * `enough` are at hand. */
bool fm_schedule_wants_refill(const struct fm_schedule *order, const char *pool, size_t enough);
/* Accounts that wait at their cap: up to `limit` of them. */
size_t fm_schedule_capped(const struct fm_schedule *order, struct fm_id *out, size_t limit);

#endif
