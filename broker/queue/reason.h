/*
 * Why a waiting job waits: what the queue thread knows about pools, accounts and sites as a whole,
 * kept for replies to show. The queue thread writes what each tick read; front threads read it.
 * Threads: any.
 */
#ifndef FM_BROKER_QUEUE_REASON_H
#define FM_BROKER_QUEUE_REASON_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/queue/start_rate.h"
#include "common/id.h"

#define FM_REASON_POOL_SIZE 48

enum fm_reason_pause_kind { FM_REASON_SITE, FM_REASON_POOL, FM_REASON_ACCOUNT };

/* One pause of the operator's. Only the subject that `kind` names is set. */
struct fm_reason_pause {
    enum fm_reason_pause_kind kind;
    unsigned site;
    char pool[FM_REASON_POOL_SIZE];
    struct fm_id account;
};

struct fm_reason;
struct fm_reason *fm_reason_new(void);
void fm_reason_destroy(struct fm_reason **reason);

/* Replaces all pauses. */
void fm_reason_set_pauses(struct fm_reason *reason, const struct fm_reason_pause *pauses,
                          size_t count);
bool fm_reason_site_is_paused(struct fm_reason *reason, unsigned site);
bool fm_reason_pool_is_paused(struct fm_reason *reason, const char *pool);
bool fm_reason_account_is_paused(struct fm_reason *reason, const struct fm_id *account);

/* True if the operator's pauses hold back such a job. */
bool fm_reason_is_paused(struct fm_reason *reason, const char *pool, const struct fm_id *account,
                         unsigned site);

/* Replaces the accounts whose jobs wait for their running limit. */
void fm_reason_set_at_limit(struct fm_reason *reason, const struct fm_id *accounts, size_t count);
/* Replaces the pools that workers serve. `all`: no other broker has workers, so the list is
 * complete. */
void fm_reason_set_pools(struct fm_reason *reason, const char *const *pools, size_t count,
                         bool all);
/* How fast jobs start. Owned by the reason. */
struct fm_start_rate *fm_reason_start_rate(struct fm_reason *reason);

/* The `queue.reason` of a due job of that pool, account and site: static text, or NULL if nothing
 * but its turn is missing. */
const char *fm_reason_of(struct fm_reason *reason, const char *pool, const struct fm_id *account,
                         unsigned site);

#endif
