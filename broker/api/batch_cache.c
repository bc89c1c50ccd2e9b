/* A fixed table of counts, indexed by a batch's id; batches that share an index displace each
 * other. See batch_cache.h. */
#include "broker/api/batch_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/memory.h"

#define ENTRIES 1024u
#define FRESH_MS 1000
#define ASKING_MS 6000 /* a count that takes longer was lost with its request */

struct entry {
    struct fm_id account;
    struct fm_batch_view batch;
    int64_t known_at_ms, asked_at_ms; /* when `batch` was counted; when a count began; 0: never */
};

struct fm_batch_cache {
    pthread_mutex_t lock;
    struct entry entries[ENTRIES];
};

struct fm_batch_cache *fm_batch_cache_new(void)
{
    struct fm_batch_cache *cache = fm_alloc(sizeof(*cache));
    pthread_mutex_init(&cache->lock, NULL);
    return cache;
}

void fm_batch_cache_destroy(struct fm_batch_cache **cache)
{
    if (*cache != NULL) {
        pthread_mutex_destroy(&(*cache)->lock);
        free(fm_steal(*cache));
    }
}

/* The last bytes of an id are random. */
static struct entry *entry_of(struct fm_batch_cache *cache, const struct fm_id *id)
{
    return &cache->entries[((unsigned)id->bytes[14] << 8 | id->bytes[15]) % ENTRIES];
}

static bool holds(const struct entry *entry, const struct fm_id *id)
{
    return fm_id_compare(&entry->batch.id, id) == 0;
}

/* Under the lock. While a count is under way the older one serves; a caller whose batch does not
 * hold this entry counts for itself, without keeping the result. */
static enum fm_batch_cache_answer judge_entry(struct entry *entry, const struct fm_id *account,
                                              const struct fm_id *id, int64_t now_ms)
{
    bool is_asked = entry->asked_at_ms != 0 && now_ms - entry->asked_at_ms < ASKING_MS;
    bool is_mine = holds(entry, id) && fm_id_compare(&entry->account, account) == 0;
    if (is_mine && entry->known_at_ms != 0 &&
        (is_asked || now_ms - entry->known_at_ms < FRESH_MS)) {
        return FM_BATCH_CACHE_KNOWN;
    }
    if (is_asked) {
        return is_mine ? FM_BATCH_CACHE_WAIT : FM_BATCH_CACHE_ASK;
    }
    *entry = (struct entry){
        .account = *account,
        .batch = is_mine ? entry->batch : (struct fm_batch_view){.id = *id},
        .known_at_ms = is_mine ? entry->known_at_ms : 0,
        .asked_at_ms = now_ms,
    };
    return FM_BATCH_CACHE_ASK;
}

enum fm_batch_cache_answer fm_batch_cache_look_up(struct fm_batch_cache *cache,
                                                  const struct fm_id *account,
                                                  const struct fm_id *id,
                                                  struct fm_batch_view *batch)
{
    struct entry *entry = entry_of(cache, id);
    pthread_mutex_lock(&cache->lock);
    enum fm_batch_cache_answer answer = judge_entry(entry, account, id, fm_clock_ms());
    if (answer == FM_BATCH_CACHE_KNOWN) {
        *batch = entry->batch;
    }
    pthread_mutex_unlock(&cache->lock);
    return answer;
}

void fm_batch_cache_put(struct fm_batch_cache *cache, const struct fm_id *account,
                        const struct fm_batch_view *batch)
{
    struct entry *entry = entry_of(cache, &batch->id);
    pthread_mutex_lock(&cache->lock);
    if (holds(entry, &batch->id)) {
        *entry = (struct entry){.account = *account, .batch = *batch, .known_at_ms = fm_clock_ms()};
    }
    pthread_mutex_unlock(&cache->lock);
}

void fm_batch_cache_forget(struct fm_batch_cache *cache, const struct fm_id *id)
{
    struct entry *entry = entry_of(cache, id);
    pthread_mutex_lock(&cache->lock);
    if (holds(entry, id)) {
        *entry = (struct entry){.asked_at_ms = 0};
    }
    pthread_mutex_unlock(&cache->lock);
}
