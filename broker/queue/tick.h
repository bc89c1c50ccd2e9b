/*
 * The look at the database, every 250 ms or as soon as a slot or a job wants one: heads of waiting
 * for the pools that have a free slot, leases that no longer stand, jobs somebody waits for, and
 * every round all sessions. tick_db.c carries it; here is what is asked, and what the answer means
 * to the rooms of the hub. Threads: the queue thread, but for fm_tick_answered_ms.
 */
#ifndef FM_BROKER_QUEUE_TICK_H
#define FM_BROKER_QUEUE_TICK_H

#include "broker/queue/hub.h"

struct fm_tick;
struct fm_tick *fm_tick_new(struct fm_hub *hub);
void fm_tick_destroy(struct fm_tick **look);
/* Starts one if it is due and none is under way; fm_tick_db_pump brings its answer. */
void fm_tick_begin(struct fm_tick *look);
/* Milliseconds until one is due; while one is under way, until the round. */
int fm_tick_wait_ms(const struct fm_tick *look);
/* fm_clock_ms of the last answer; 0: none yet. From any thread. */
int64_t fm_tick_answered_ms(const struct fm_tick *look);

#endif
