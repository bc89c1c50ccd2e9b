/*
 * Keeps the counts of batches for a second, so that a batch is counted about once a second however
 * many clients poll it: counting reads all of its jobs. Keeps up to 1,024 batches; two that hash to
 * the same entry displace each other. Threads: any.
 */
#ifndef FM_BROKER_API_BATCH_CACHE_H
#define FM_BROKER_API_BATCH_CACHE_H

#include "broker/api/batch_view.h"

enum fm_batch_cache_answer {
    FM_BATCH_CACHE_KNOWN, /* `batch` is filled */
    FM_BATCH_CACHE_ASK,   /* the caller must count, then call _put (or _forget if that failed) */
    FM_BATCH_CACHE_WAIT,  /* another request is counting: call again in a moment */
};

struct fm_batch_cache;
struct fm_batch_cache *fm_batch_cache_new(void);
void fm_batch_cache_destroy(struct fm_batch_cache **cache);
/* `account` must be the asking key's own: another account's batch is never returned. */
enum fm_batch_cache_answer fm_batch_cache_look_up(struct fm_batch_cache *cache,
                                                  const struct fm_id *account,
                                                  const struct fm_id *id,
                                                  struct fm_batch_view *batch);
/* Stores a fresh count, unless another batch has taken the entry. */
void fm_batch_cache_put(struct fm_batch_cache *cache, const struct fm_id *account,
                        const struct fm_batch_view *batch);
/* Drops the batch: it was changed, does not exist, or could not be counted. */
void fm_batch_cache_forget(struct fm_batch_cache *cache, const struct fm_id *id);

#endif
