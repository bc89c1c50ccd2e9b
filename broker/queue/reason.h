/*
 * Why a waiting job waits: what the queue thread knows of pools, accounts and sites as a whole, for
 * the fronts to show. The queue thread writes what the tick told it; fronts read. Threads: any.
 */
#ifndef FM_BROKER_QUEUE_REASON_H
#define FM_BROKER_QUEUE_REASON_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/queue/start_rate.h"
#include "common/id.h"

#define FM_REASON_POOL_SIZE 48

enum fm_reason_pause_kind { FM_REASON_SITE, FM_REASON_POOL, FM_REASON_ACCOUNT };

/* One thing the operator holds back; of the three subjects the one its kind names. */
struct fm_reason_pause {
    enum fm_reason_pause_kind kind;
    unsigned site;
    char pool[FM_REASON_POOL_SIZE];
    struct fm_id account;
};

struct fm_reason;
struct fm_reason *fm_reason_new(void);
void fm_reason_destroy(struct fm_reason **reason);

/* All pauses there are, in the place of those before. */
void fm_reason_set_pauses(struct fm_reason *reason, const struct fm_reason_pause *pauses,
                          size_t count);
bool fm_reason_site_is_paused(struct fm_reason *reason, unsigned site);
bool fm_reason_pool_is_paused(struct fm_reason *reason, const char *pool);
bool fm_reason_account_is_paused(struct fm_reason *reason, const struct fm_id *account);

/* The operator holds back such a job. */
bool fm_reason_is_paused(struct fm_reason *reason, const char *pool, const struct fm_id *account,
                         unsigned site);

/* Accounts that wait at their cap, in the place of those before. */
void fm_reason_set_capped(struct fm_reason *reason, const struct fm_id *accounts, size_t count);
/* The pools that workers serve; `all`: there are no others, on other brokers. */
void fm_reason_set_pools(struct fm_reason *reason, const char *const *pools, size_t count,
                         bool all);
/* How fast jobs start: the reason's own. */
struct fm_start_rate *fm_reason_start_rate(struct fm_reason *reason);

/* `queue.reason` of a due job of that pool, account and site, as static text; NULL: it is merely
 * not its turn. */
const char *fm_reason_of(struct fm_reason *reason, const char *pool, const struct fm_id *account,
                         unsigned site);

#endif
