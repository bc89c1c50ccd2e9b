/*
 * Answers that many requests share: kept by key, each asked for by one request at a time, so that
 * the database is asked about once a second however many clients want to know. A caller locks, gets
 * the entry of its key, and either uses its value or, where the entry is due, asks the database and
 * locks again to store the answer.
 * Owns: the entries and their values. Threads: any; a value is touched only under the lock.
 */
#ifndef FM_BROKER_REQUEST_SINGLE_FLIGHT_H
#define FM_BROKER_REQUEST_SINGLE_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a table of answers holds. Times in ms. */
struct fm_single_flight_kind {
    size_t key_size;   /* bytes; keys are compared as memory, padding included */
    size_t value_size; /* bytes; a value starts zeroed */
    size_t entries_max;
    bool may_exceed;  /* a new key is added even when all entries were asked for lately */
    int64_t fresh_ms; /* an answer is good for this long, and a question is waited for this long */
    int64_t kept_ms;  /* an older answer serves while a new one is on its way, up to this age */
    void (*value_done)(void *value); /* frees what a value owns; may be NULL */
};

struct fm_single_flight;
struct fm_single_flight *fm_single_flight_new(const struct fm_single_flight_kind *kind);
void fm_single_flight_destroy(struct fm_single_flight **table);

void fm_single_flight_lock(struct fm_single_flight *table);
void fm_single_flight_unlock(struct fm_single_flight *table);

/* ---- under the lock; a value is valid until unlock ---- */

/* The value of a key, or NULL if it has no entry. */
void *fm_single_flight_find(struct fm_single_flight *table, const void *key);
/* The same, made where it was missing. NULL: the table is full of keys asked for lately. */
void *fm_single_flight_get(struct fm_single_flight *table, const void *key, int64_t now_ms);
/* True if the caller must ask, because the answer is old or `is_stale` and nobody else is asking.
 * The question then counts as asked: for fresh_ms no other caller gets true while an older answer
 * can serve. */
bool fm_single_flight_begin(struct fm_single_flight *table, void *value, bool is_stale,
                            int64_t now_ms);
/* The caller has stored an answer in the value. */
void fm_single_flight_end(struct fm_single_flight *table, void *value, int64_t now_ms);
/* True once an answer was stored. */
bool fm_single_flight_is_answered(const struct fm_single_flight *table, const void *value);

#endif
