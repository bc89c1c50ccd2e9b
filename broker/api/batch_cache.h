/*
 * The counts of batches that are looked at, kept for a second: however many clients look, a batch
 * is counted at most once a second. Bounded. Threads: any.
 */
#ifndef FM_BROKER_API_BATCH_CACHE_H
#define FM_BROKER_API_BATCH_CACHE_H

#include "broker/api/batch_view.h"

enum fm_batch_cache_answer {
    FM_BATCH_CACHE_KNOWN, /* here it is */
    FM_BATCH_CACHE_ASK,   /* count it, then _put */
    FM_BATCH_CACHE_WAIT,  /* somebody else counts it: look again in a moment */
};

struct fm_batch_cache;
struct fm_batch_cache *fm_batch_cache_new(void);
void fm_batch_cache_destroy(struct fm_batch_cache **cache);
enum fm_batch_cache_answer fm_batch_cache_look(struct fm_batch_cache *cache,
                                               const struct fm_id *account, const struct fm_id *id,
                                               struct fm_batch_view *batch);
void fm_batch_cache_put(struct fm_batch_cache *cache, const struct fm_id *account,
                        const struct fm_batch_view *batch);
/* It has changed, or there is none. */
void fm_batch_cache_forget(struct fm_batch_cache *cache, const struct fm_id *id);

#endif
