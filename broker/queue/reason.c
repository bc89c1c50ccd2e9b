/* Small arrays under one lock, searched linearly: see reason.h. */
#include "broker/queue/reason.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/memory.h"

struct fm_reason {
    pthread_mutex_t lock;
    struct fm_reason_pause *pauses;
    size_t pause_count;
    struct fm_id *at_limit;
    size_t at_limit_count;
    char (*pools)[FM_REASON_POOL_SIZE];
    size_t pool_count;
    bool are_all_pools; /* false: a pool that is not listed may have workers elsewhere */
    struct fm_start_rate *start_rate;
};

struct fm_reason *fm_reason_new(void)
{
    struct fm_reason *reason = fm_alloc(sizeof *reason);
    pthread_mutex_init(&reason->lock, NULL);
    reason->start_rate = fm_start_rate_new();
    return reason;
}

void fm_reason_destroy(struct fm_reason **reason)
{
    if (!*reason) {
        return;
    }
    pthread_mutex_destroy(&(*reason)->lock);
    fm_start_rate_destroy(&(*reason)->start_rate);
    fm_memory_release(&(*reason)->pauses);
    fm_memory_release(&(*reason)->at_limit);
    fm_memory_release(&(*reason)->pools);
    fm_memory_release(reason);
    *reason = NULL;
}

/* ---- pauses ---- */

void fm_reason_set_pauses(struct fm_reason *reason, const struct fm_reason_pause *pauses,
                          size_t count)
{
    struct fm_reason_pause *fresh = fm_alloc_array(count + 1, sizeof *fresh);
    if (count > 0) {
        memcpy(fresh, pauses, count * sizeof *fresh);
    }
    pthread_mutex_lock(&reason->lock);
    struct fm_reason_pause *old = reason->pauses;
    reason->pauses = fresh;
    reason->pause_count = count;
    pthread_mutex_unlock(&reason->lock);
    fm_memory_release(&old);
}

static bool is_same(const struct fm_reason_pause *a, const struct fm_reason_pause *b)
{
    if (a->kind != b->kind) {
        return false;
    }
    switch (a->kind) {
    case FM_REASON_SITE:
        return a->site == b->site;
    case FM_REASON_POOL:
        return strcmp(a->pool, b->pool) == 0;
    case FM_REASON_ACCOUNT:
        return fm_id_compare(&a->account, &b->account) == 0;
    }
    return false;
}

static bool is_paused(struct fm_reason *reason, const struct fm_reason_pause *asked)
{
    bool found = false;
    pthread_mutex_lock(&reason->lock);
    for (size_t i = 0; i < reason->pause_count && !found; i++) {
        found = is_same(&reason->pauses[i], asked);
    }
    pthread_mutex_unlock(&reason->lock);
    return found;
}

bool fm_reason_site_is_paused(struct fm_reason *reason, unsigned site)
{
    return is_paused(reason, &(struct fm_reason_pause){.kind = FM_REASON_SITE, .site = site});
}

bool fm_reason_pool_is_paused(struct fm_reason *reason, const char *pool)
{
    struct fm_reason_pause asked = {.kind = FM_REASON_POOL};
    size_t length = strnlen(pool, sizeof asked.pool);
    if (length == sizeof asked.pool) {
        return false; /* no pause can name a pool this long */
    }
    memcpy(asked.pool, pool, length);
    return is_paused(reason, &asked);
}

bool fm_reason_account_is_paused(struct fm_reason *reason, const struct fm_id *account)
{
    return is_paused(reason,
                     &(struct fm_reason_pause){.kind = FM_REASON_ACCOUNT, .account = *account});
}

bool fm_reason_is_paused(struct fm_reason *reason, const char *pool, const struct fm_id *account,
                         unsigned site)
{
    return fm_reason_pool_is_paused(reason, pool) || fm_reason_account_is_paused(reason, account) ||
           fm_reason_site_is_paused(reason, site);
}

/* ---- running limits, pools ---- */

void fm_reason_set_at_limit(struct fm_reason *reason, const struct fm_id *accounts, size_t count)
{
    struct fm_id *fresh = fm_alloc_array(count + 1, sizeof *fresh);
    if (count > 0) {
        memcpy(fresh, accounts, count * sizeof *fresh);
    }
    pthread_mutex_lock(&reason->lock);
    struct fm_id *old = reason->at_limit;
    reason->at_limit = fresh;
    reason->at_limit_count = count;
    pthread_mutex_unlock(&reason->lock);
    fm_memory_release(&old);
}

void fm_reason_set_pools(struct fm_reason *reason, const char *const *pools, size_t count, bool all)
{
    char(*fresh)[FM_REASON_POOL_SIZE] = fm_alloc_array(count + 1, sizeof *fresh);
    for (size_t i = 0; i < count; i++) {
        snprintf(fresh[i], sizeof fresh[i], "%s", pools[i]);
    }
    pthread_mutex_lock(&reason->lock);
    char(*old)[FM_REASON_POOL_SIZE] = reason->pools;
    reason->pools = fresh;
    reason->pool_count = count;
    reason->are_all_pools = all;
    pthread_mutex_unlock(&reason->lock);
    fm_memory_release(&old);
}

static bool is_unserved(struct fm_reason *reason, const char *pool)
{
    pthread_mutex_lock(&reason->lock);
    bool is_served = !reason->are_all_pools;
    for (size_t i = 0; i < reason->pool_count && !is_served; i++) {
        is_served = strcmp(reason->pools[i], pool) == 0;
    }
    pthread_mutex_unlock(&reason->lock);
    return !is_served;
}

static bool is_at_limit(struct fm_reason *reason, const struct fm_id *account)
{
    bool found = false;
    pthread_mutex_lock(&reason->lock);
    for (size_t i = 0; i < reason->at_limit_count && !found; i++) {
        found = fm_id_compare(&reason->at_limit[i], account) == 0;
    }
    pthread_mutex_unlock(&reason->lock);
    return found;
}

struct fm_start_rate *fm_reason_start_rate(struct fm_reason *reason)
{
    return reason->start_rate;
}

const char *fm_reason_of(struct fm_reason *reason, const char *pool, const struct fm_id *account,
                         unsigned site)
{
    if (fm_reason_is_paused(reason, pool, account, site)) {
        return "paused";
    }
    if (is_unserved(reason, pool)) {
        return "no_worker";
    }
    return is_at_limit(reason, account) ? "cap" : NULL;
}
