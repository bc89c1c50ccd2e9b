/*
 * Decides when to read the database, what to ask, and what the answer changes in the hub: the heads
 * of the waiting jobs, leases that no longer stand, jobs that clients wait for, and once a round
 * all sessions. A full tick runs every `tick_ms` (250 by default); between two ticks, a smaller
 * read fetches heads for pools that have a free slot. It changes no rows itself: it adds events.
 * Before: dispatch. After: tick_db (runs the reads), then schedule, session, watch, reason, queue.
 * Owns: the observer and the arrays that a query points at. Threads: the queue thread, except
 * fm_tick_answered_ms.
 */
#ifndef FM_BROKER_QUEUE_TICK_H
#define FM_BROKER_QUEUE_TICK_H

#include "broker/queue/hub.h"

struct fm_tick;
struct fm_tick *fm_tick_new(struct fm_hub *hub);
void fm_tick_destroy(struct fm_tick **tick);
/* Starts a tick, or a read between two ticks, if it is due and none is under way;
 * fm_tick_db_pump delivers the answer. */
void fm_tick_begin(struct fm_tick *tick);
/* Milliseconds until the next tick is due; while a tick is under way, until the next round. */
int fm_tick_wait_ms(const struct fm_tick *tick);
/* The fm_clock_ms of the last good answer; 0: none yet. Any thread. */
int64_t fm_tick_answered_ms(const struct fm_tick *tick);

#endif
