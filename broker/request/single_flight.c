/* A hash table of entries, each with the times of its last read and result: see single_flight.h. */
#include "broker/request/single_flight.h"

#include <pthread.h>
#include <string.h>
#include <uthash.h>

#include "common/memory.h"

/* One allocation: this header, then the value, then the key. A pointer to a value is handed out and
 * leads back to its entry by offset. */
struct entry {
    int64_t asked_at_ms, answered_at_ms; /* the last read's start and end; 0: never */
    UT_hash_handle hh;
    _Alignas(max_align_t) char value[];
};

struct fm_single_flight {
    struct fm_single_flight_kind kind;
    pthread_mutex_t lock;
    struct entry *entries;
};

struct fm_single_flight *fm_single_flight_new(const struct fm_single_flight_kind *kind)
{
    struct fm_single_flight *table = fm_alloc(sizeof(*table));
    table->kind = *kind;
    pthread_mutex_init(&table->lock, NULL);
    return table;
}

/* Drops the entries whose last read began before that time; for the others a result may be on its
 * way. */
static void drop_entries(struct fm_single_flight *table, int64_t asked_before_ms)
{
    struct entry *entry, *next;
    HASH_ITER (hh, table->entries, entry, next) {
        if (entry->asked_at_ms < asked_before_ms) {
            HASH_DEL(table->entries, entry);
            if (table->kind.value_done != NULL) {
                table->kind.value_done(entry->value);
            }
            fm_memory_release(&entry);
        }
    }
}

void fm_single_flight_destroy(struct fm_single_flight **table)
{
    if (*table == NULL) {
        return;
    }
    drop_entries(*table, INT64_MAX);
    pthread_mutex_destroy(&(*table)->lock);
    fm_memory_release(table);
}

void fm_single_flight_lock(struct fm_single_flight *table)
{
    pthread_mutex_lock(&table->lock);
}

void fm_single_flight_unlock(struct fm_single_flight *table)
{
    pthread_mutex_unlock(&table->lock);
}

void *fm_single_flight_find(struct fm_single_flight *table, const void *key)
{
    struct entry *entry = NULL;
    HASH_FIND(hh, table->entries, key, table->kind.key_size, entry);
    return entry != NULL ? entry->value : NULL;
}

static struct entry *add_entry(struct fm_single_flight *table, const void *key)
{
    size_t value_size = table->kind.value_size, key_size = table->kind.key_size;
    struct entry *entry = fm_alloc(sizeof(*entry) + value_size + key_size);
    char *kept_key = memcpy(entry->value + value_size, key, key_size);
    HASH_ADD_KEYPTR(hh, table->entries, kept_key, key_size, entry);
    return entry;
}

void *fm_single_flight_get(struct fm_single_flight *table, const void *key, int64_t now_ms)
{
    void *value = fm_single_flight_find(table, key);
    if (value != NULL) {
        return value;
    }
    if (HASH_COUNT(table->entries) >= table->kind.entries_max) {
        drop_entries(table, now_ms - table->kind.fresh_ms);
    }
    if (HASH_COUNT(table->entries) >= table->kind.entries_max && !table->kind.may_exceed) {
        return NULL;
    }
    return add_entry(table, key)->value;
}

static struct entry *entry_of(const void *value)
{
    return (struct entry *)((uintptr_t)value - offsetof(struct entry, value));
}

static bool is_within(int64_t at_ms, int64_t now_ms, int64_t span_ms)
{
    return at_ms != 0 && now_ms - at_ms < span_ms;
}

/* A read that never ends, because its request failed, delays the next one by fresh_ms at most. */
bool fm_single_flight_begin(struct fm_single_flight *table, void *value, bool is_stale,
                            int64_t now_ms)
{
    struct entry *entry = entry_of(value);
    const struct fm_single_flight_kind *kind = &table->kind;
    bool is_fresh = !is_stale && is_within(entry->answered_at_ms, now_ms, kind->fresh_ms);
    bool is_asked = entry->asked_at_ms > entry->answered_at_ms &&
                    is_within(entry->asked_at_ms, now_ms, kind->fresh_ms);
    bool can_serve = is_within(entry->answered_at_ms, now_ms, kind->kept_ms);
    if (is_fresh || (is_asked && can_serve)) {
        return false;
    }
    entry->asked_at_ms = now_ms;
    return true;
}

void fm_single_flight_end(struct fm_single_flight *table, void *value, int64_t now_ms)
{
    (void)table;
    entry_of(value)->answered_at_ms = now_ms;
}

bool fm_single_flight_is_answered(const struct fm_single_flight *table, const void *value)
{
    (void)table;
    return entry_of(value)->answered_at_ms != 0;
}
