/*
 * How many jobs of each account run: leases of this broker's own workers, counted as they begin and
 * end, and leases of other brokers' workers, as the last tick counted them. A limit on them delays
 * a job and never refuses one. Pure: no SQL, no socket, no clock. Threads: the queue thread.
 */
#ifndef FM_BROKER_QUEUE_RUNNING_LIMIT_H
#define FM_BROKER_QUEUE_RUNNING_LIMIT_H

#include "common/id.h"

struct fm_running_limit;
struct fm_running_limit *fm_running_limit_new(void);
void fm_running_limit_destroy(struct fm_running_limit **limit);

/* A lease of one of this broker's workers begins, or ends. `limit` may be NULL, here and in
 * fm_running_limit_is_reached. */
void fm_running_limit_begin(struct fm_running_limit *limit, const struct fm_id *account);
void fm_running_limit_end(struct fm_running_limit *limit, const struct fm_id *account);
/* Leases on other brokers: forgets all counts, then sets them account by account. */
void fm_running_limit_forget_others(struct fm_running_limit *limit);
void fm_running_limit_add_others(struct fm_running_limit *limit, const struct fm_id *account,
                                 uint64_t running);
/* True if at least `most` jobs of the account run; never for 0, which is no limit. */
bool fm_running_limit_is_reached(const struct fm_running_limit *limit, const struct fm_id *account,
                                 uint64_t most);

#endif
