/* Small sets under one lock: pauses are few, and looked through for each question. */
#include "broker/reason.h"

#include <pthread.h>
#include <string.h>

#include "common/memory.h"

struct fm_reason {
    pthread_mutex_t lock;
    struct fm_reason_pause *pauses;
    size_t pause_count;
};

struct fm_reason *fm_reason_new(void)
{
    struct fm_reason *reason = fm_alloc(sizeof *reason);
    pthread_mutex_init(&reason->lock, NULL);
    return reason;
}

void fm_reason_destroy(struct fm_reason **reason)
{
    if (!*reason)
        return;
    pthread_mutex_destroy(&(*reason)->lock);
    fm_memory_release(&(*reason)->pauses);
    fm_memory_release(reason);
    *reason = NULL;
}

/* ---- pauses ---- */

void fm_reason_set_pauses(struct fm_reason *reason, const struct fm_reason_pause *pauses,
                          size_t count)
{
    struct fm_reason_pause *fresh = fm_alloc_array(count + 1, sizeof *fresh);
    if (count > 0)
        memcpy(fresh, pauses, count * sizeof *fresh);
    pthread_mutex_lock(&reason->lock);
    struct fm_reason_pause *old = reason->pauses;
    reason->pauses = fresh;
    reason->pause_count = count;
    pthread_mutex_unlock(&reason->lock);
    fm_memory_release(&old);
}

static bool is_same(const struct fm_reason_pause *a, const struct fm_reason_pause *b)
{
    if (a->kind != b->kind)
        return false;
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
    for (size_t i = 0; i < reason->pause_count && !found; i++)
        found = is_same(&reason->pauses[i], asked);
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
    if (length == sizeof asked.pool)
        return false; /* no pause names one so long */
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

const char *fm_reason_of(struct fm_reason *reason, const char *pool, const struct fm_id *account,
                         unsigned site)
{
    return fm_reason_is_paused(reason, pool, account, site) ? "paused" : NULL;
}
