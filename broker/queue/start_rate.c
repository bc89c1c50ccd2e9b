/* Counts the starts of the last minute in 12 slices of 5 seconds, for each account, pool and lane
 * that had any: see start_rate.h. One lock guards the table. */
#include "broker/queue/start_rate.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "common/memory.h"

#define SLICE_MS 5000
#define SLICES 12
#define SPAN_LEAST_MS 10000 /* starts seen for a shorter time count as spread over this span */
/* When the table is full, idle entries are dropped; if none is idle, new ones are not counted. */
#define ENTRIES_MAX 4096

struct key {
    struct fm_id account;
    unsigned lane;
    char pool[48];
};

struct entry {
    struct key key;
    int64_t first_ms; /* when this run of starts began */
    int64_t slice;    /* number of the newest slice: milliseconds / SLICE_MS */
    uint64_t starts[SLICES];
    UT_hash_handle hh;
};

struct fm_start_rate {
    pthread_mutex_t lock;
    struct entry *entries;
};

struct fm_start_rate *fm_start_rate_new(void)
{
    struct fm_start_rate *rate = fm_alloc(sizeof *rate);
    pthread_mutex_init(&rate->lock, NULL);
    return rate;
}

/* Drops the entries without a start in the minute before this slice; all of them for INT64_MAX. */
static void drop_idle(struct fm_start_rate *rate, int64_t slice)
{
    struct entry *entry, *next;
    HASH_ITER (hh, rate->entries, entry, next) {
        if (slice - entry->slice < SLICES) {
            continue;
        }
        HASH_DEL(rate->entries, entry);
        fm_memory_release(&entry);
    }
}

void fm_start_rate_destroy(struct fm_start_rate **rate)
{
    if (!*rate) {
        return;
    }
    drop_idle(*rate, INT64_MAX);
    pthread_mutex_destroy(&(*rate)->lock);
    fm_memory_release(rate);
}

static struct key key_of(const char *pool, unsigned lane, const struct fm_id *account)
{
    struct key key;
    memset(&key, 0, sizeof key); /* the padding is hashed too */
    key.account = *account;
    key.lane = lane;
    snprintf(key.pool, sizeof key.pool, "%s", pool);
    return key;
}

static struct entry *find_entry(struct fm_start_rate *rate, const struct key *key)
{
    struct entry *entry = NULL;
    HASH_FIND(hh, rate->entries, key, sizeof *key, entry);
    return entry;
}

/* Clears the slices that have passed since; after a minute without starts the entry begins anew. */
static void advance(struct entry *entry, int64_t now_ms)
{
    int64_t slice = now_ms / SLICE_MS;
    if (slice - entry->slice >= SLICES) {
        memset(entry->starts, 0, sizeof entry->starts);
        entry->first_ms = now_ms;
        entry->slice = slice;
    }
    while (entry->slice < slice) {
        entry->starts[++entry->slice % SLICES] = 0;
    }
}

static struct entry *add_entry(struct fm_start_rate *rate, const struct key *key, int64_t now_ms)
{
    if (HASH_COUNT(rate->entries) >= ENTRIES_MAX) {
        drop_idle(rate, now_ms / SLICE_MS);
    }
    if (HASH_COUNT(rate->entries) >= ENTRIES_MAX) {
        return NULL;
    }
    struct entry *entry = fm_alloc(sizeof *entry);
    entry->key = *key;
    entry->slice = now_ms / SLICE_MS;
    entry->first_ms = now_ms;
    HASH_ADD(hh, rate->entries, key, sizeof entry->key, entry);
    return entry;
}

void fm_start_rate_note(struct fm_start_rate *rate, const char *pool, unsigned lane,
                        const struct fm_id *account, int64_t now_ms)
{
    struct key key = key_of(pool, lane, account);
    pthread_mutex_lock(&rate->lock);
    struct entry *entry = find_entry(rate, &key);
    if (!entry) {
        entry = add_entry(rate, &key, now_ms);
    }
    if (entry) {
        advance(entry, now_ms);
        entry->starts[entry->slice % SLICES]++;
    }
    pthread_mutex_unlock(&rate->lock);
}

/* The span that the slices cover: from the entry's first start, at most the 11 full slices and the
 * current one so far. */
static int64_t wait_of(const struct entry *entry, uint64_t ahead, int64_t now_ms)
{
    uint64_t starts = 0;
    for (size_t i = 0; i < SLICES; i++) {
        starts += entry->starts[i];
    }
    int64_t span = now_ms - entry->first_ms;
    if (span > (int64_t)SLICE_MS * (SLICES - 1)) {
        span = (int64_t)SLICE_MS * (SLICES - 1) + now_ms % SLICE_MS;
    }
    if (span < SPAN_LEAST_MS) {
        span = SPAN_LEAST_MS;
    }
    return starts == 0 ? -1 : (int64_t)((ahead + 1) * (uint64_t)span / starts + 999) / 1000;
}

int64_t fm_start_rate_wait_seconds(struct fm_start_rate *rate, const char *pool, unsigned lane,
                                   const struct fm_id *account, uint64_t ahead, int64_t now_ms)
{
    struct key key = key_of(pool, lane, account);
    pthread_mutex_lock(&rate->lock);
    struct entry *entry = find_entry(rate, &key);
    if (entry) {
        advance(entry, now_ms);
    }
    int64_t seconds = entry ? wait_of(entry, ahead, now_ms) : -1;
    pthread_mutex_unlock(&rate->lock);
    return seconds;
}
