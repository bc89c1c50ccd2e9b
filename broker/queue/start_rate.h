/*
 * Estimates how long a waiting job will wait, from the jobs of its account, pool and lane that this
 * broker started within the last minute. Only this broker's starts are counted, so with several
 * brokers the estimate is high. Nothing decides by it: it is shown to clients.
 * Before: claim (starts). After: the queue part of a job's reply. Threads: any.
 */
#ifndef FM_BROKER_QUEUE_START_RATE_H
#define FM_BROKER_QUEUE_START_RATE_H

#include <stdint.h>

#include "common/id.h"

struct fm_start_rate;
struct fm_start_rate *fm_start_rate_new(void);
void fm_start_rate_destroy(struct fm_start_rate **rate);

/* Counts a start. `now_ms` is fm_clock_ms, here and below. */
void fm_start_rate_note(struct fm_start_rate *rate, const char *pool, unsigned lane,
                        const struct fm_id *account, int64_t now_ms);
/* Seconds until a job with `ahead` jobs before it starts, at the last minute's rate, rounded up;
 * -1: unknown, as no job started in the last minute. */
int64_t fm_start_rate_wait_seconds(struct fm_start_rate *rate, const char *pool, unsigned lane,
                                   const struct fm_id *account, uint64_t ahead, int64_t now_ms);

#endif
