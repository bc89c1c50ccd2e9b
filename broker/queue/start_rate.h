/*
 * How fast an account's jobs start: counted for each pool and lane over the last minute, by this
 * broker's own starts. From it comes how long a waiting job may wait. Threads: any.
 */
#ifndef FM_BROKER_QUEUE_START_RATE_H
#define FM_BROKER_QUEUE_START_RATE_H

#include <stdint.h>

#include "common/id.h"

struct fm_start_rate;
struct fm_start_rate *fm_start_rate_new(void);
void fm_start_rate_destroy(struct fm_start_rate **pace);

/* A job of that pool, lane and account has started. */
void fm_start_rate_note(struct fm_start_rate *pace, const char *pool, unsigned lane,
                        const struct fm_id *account, int64_t now_ms);
/* Seconds until the job with so many before it starts, if things go on as in the last minute; -1:
 * none started then. */
int64_t fm_start_rate_wait_seconds(struct fm_start_rate *pace, const char *pool, unsigned lane,
                                   const struct fm_id *account, uint64_t ahead, int64_t now_ms);

#endif
