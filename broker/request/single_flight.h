/*
 * Shares the results of database reads among requests: a result is kept by key and refreshed by one
 * request at a time, so the database sees about one read a second per key however many clients
 * poll. A caller locks, gets the entry of its key, and either uses the value or, if the entry is
 * due, reads from the database and locks again to store the new value. The lock is never held
 * during a read.
 * Owns: the entries and their values. Threads: any; a value is touched only under the lock.
 */
#ifndef FM_BROKER_REQUEST_SINGLE_FLIGHT_H
#define FM_BROKER_REQUEST_SINGLE_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a table holds, and for how long. Times are in ms. */
struct fm_single_flight_kind {
    size_t key_size;   /* bytes; keys are compared as memory, padding included */
    size_t value_size; /* bytes; a value starts zeroed */
    size_t entries_max;
    bool may_exceed;  /* a new key is added even if all entries were asked for lately */
    int64_t fresh_ms; /* a value counts as new for this long; so does a read under way */
    int64_t kept_ms;  /* while a read is under way, the old value serves up to this age */
    void (*value_done)(void *value); /* frees what a value owns; may be NULL */
};

struct fm_single_flight;
/* `kind` is copied. */
struct fm_single_flight *fm_single_flight_new(const struct fm_single_flight_kind *kind);
void fm_single_flight_destroy(struct fm_single_flight **table);

void fm_single_flight_lock(struct fm_single_flight *table);
void fm_single_flight_unlock(struct fm_single_flight *table);

/* ---- under the lock; a value is valid until unlock ---- */

/* Returns the value of a key, or NULL if the key has no entry. */
void *fm_single_flight_find(struct fm_single_flight *table, const void *key);
/* Returns the value of a key, adding a zeroed one if it was missing. NULL if the table is full of
 * keys that were asked for lately; never NULL with may_exceed. */
void *fm_single_flight_get(struct fm_single_flight *table, const void *key, int64_t now_ms);
/* True if the caller must read from the database: the value is old, or the caller knows that it
 * `is_stale`, and no other caller's read is under way. From then on a read counts as under way: for
 * fresh_ms no other caller gets true, as long as an older value can serve. */
bool fm_single_flight_begin(struct fm_single_flight *table, void *value, bool is_stale,
                            int64_t now_ms);
/* To be called after the caller has stored a new result in the value. */
void fm_single_flight_end(struct fm_single_flight *table, void *value, int64_t now_ms);
/* True once a result was stored, however old it is. */
bool fm_single_flight_is_answered(const struct fm_single_flight *table, const void *value);

#endif
