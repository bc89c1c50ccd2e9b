/*
 * How many jobs of each account run: those that this broker's own workers hold, counted as they
 * come and go, and those of other brokers' workers, as the last tick counted them. Pure: no SQL, no
 * socket, no clock. Threads: the queue thread.
 */
#ifndef FM_BROKER_QUEUE_RUNNING_LIMIT_H
#define FM_BROKER_QUEUE_RUNNING_LIMIT_H

#include "common/id.h"

struct fm_running_limit;
struct fm_running_limit *fm_running_limit_new(void);
void fm_running_limit_destroy(struct fm_running_limit **cap);

/* A lease of a worker of ours begins, or ends. Null-safe, as is fm_running_limit_is_reached. */
void fm_running_limit_begin(struct fm_running_limit *cap, const struct fm_id *account);
void fm_running_limit_end(struct fm_running_limit *cap, const struct fm_id *account);
/* Others' leases: forgets what was told before, then tells one account after the other. */
void fm_running_limit_forget_others(struct fm_running_limit *cap);
void fm_running_limit_add_others(struct fm_running_limit *cap, const struct fm_id *account,
                                 uint64_t running);
/* As many run as may; a limit of 0 is none. */
bool fm_running_limit_is_reached(const struct fm_running_limit *cap, const struct fm_id *account,
                                 uint64_t limit);

#endif
