/* A list for each pool, lane and account somebody asks about: see position.h. */
#include "broker/api/position.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <uthash.h>

#include "broker/db/db.h"
#include "broker/request/lookup.h"
#include "common/clock.h"
#include "common/memory.h"
#include "sql/sql.h"

#define FRESH_MS 1000 /* a list is good for so long, and one under way is waited for so long */
#define KEPT_MS 10000 /* then it is not believed any more */
#define LISTED_MAX 1001
#define ENTRIES_MAX 256 /* of 24 KiB at most; beyond, those that were not asked for lately go */

struct seat {
    struct fm_id account;
    unsigned lane;
    char pool[48];
};

struct entry {
    struct seat seat;
    int64_t asked_at_ms, listed_at_ms; /* 0: never */
    struct fm_position_key *keys;
    size_t count;
    UT_hash_handle hh;
};

struct fm_position {
    pthread_mutex_t lock;
    struct entry *entries;
};

struct fm_position *fm_position_new(void)
{
    struct fm_position *place = fm_alloc(sizeof(*place));
    pthread_mutex_init(&place->lock, NULL);
    return place;
}

static void forget(struct fm_position *place, int64_t asked_before_ms)
{
    struct entry *entry, *next;
    HASH_ITER (hh, place->entries, entry, next) {
        if (entry->asked_at_ms < asked_before_ms) {
            HASH_DEL(place->entries, entry);
            fm_memory_release(&entry->keys);
            fm_memory_release(&entry);
        }
    }
}

void fm_position_destroy(struct fm_position **place)
{
    if (*place == NULL) {
        return;
    }
    forget(*place, INT64_MAX);
    pthread_mutex_destroy(&(*place)->lock);
    fm_memory_release(place);
}

static struct entry *find(struct fm_position *place, const struct fm_reader_job *row)
{
    struct entry *entry = NULL;
    struct seat seat;
    memset(&seat, 0, sizeof(seat)); /* the padding is hashed too */
    seat.account = row->account;
    seat.lane = row->lane;
    snprintf(seat.pool, sizeof(seat.pool), "%s", row->pool);
    HASH_FIND(hh, place->entries, &seat, sizeof(seat), entry);
    return entry;
}

/* NULL: too many were asked for lately. */
static struct entry *get(struct fm_position *place, const struct fm_reader_job *row, int64_t now_ms)
{
    struct entry *entry = find(place, row);
    if (entry != NULL) {
        return entry;
    }
    if (HASH_COUNT(place->entries) >= ENTRIES_MAX) {
        forget(place, now_ms - FRESH_MS);
    }
    if (HASH_COUNT(place->entries) >= ENTRIES_MAX) {
        return NULL;
    }
    entry = fm_alloc(sizeof(*entry));
    entry->seat.account = row->account;
    entry->seat.lane = row->lane;
    snprintf(entry->seat.pool, sizeof(entry->seat.pool), "%s", row->pool);
    HASH_ADD(hh, place->entries, seat, sizeof(entry->seat), entry);
    return entry;
}

/* ---- listing ---- */

static bool is_within(int64_t at_ms, int64_t now_ms, int64_t span_ms)
{
    return at_ms != 0 && now_ms - at_ms < span_ms;
}

static bool is_before(const struct fm_position_key *key, const struct fm_reader_job *row)
{
    if (key->run_at_us != row->run_at_us) {
        return key->run_at_us < row->run_at_us;
    }
    return fm_id_compare(&key->id, &row->id) < 0;
}

/* How many listed keys stand before the row. */
static size_t find_row(const struct entry *entry, const struct fm_reader_job *row)
{
    size_t low = 0, high = entry->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (is_before(&entry->keys[middle], row)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* It came after the list was made; behind a full one that makes no difference. */
static bool is_missing(const struct entry *entry, const struct fm_reader_job *row)
{
    size_t at = find_row(entry, row);
    bool is_there = at < entry->count && fm_id_compare(&entry->keys[at].id, &row->id) == 0;
    return !is_there && at < LISTED_MAX;
}

/* Nobody need wait for a list that another makes, while there is an older one. */
static bool is_due(const struct entry *entry, const struct fm_reader_job *row, int64_t now_ms)
{
    bool is_fresh = is_within(entry->listed_at_ms, now_ms, FRESH_MS) && !is_missing(entry, row);
    bool is_under_way =
        entry->asked_at_ms > entry->listed_at_ms && is_within(entry->asked_at_ms, now_ms, FRESH_MS);
    return !is_fresh && !(is_under_way && is_within(entry->listed_at_ms, now_ms, KEPT_MS));
}

bool fm_position_begin_list(struct fm_position *place, const struct fm_reader_job *row,
                            int64_t now_ms)
{
    pthread_mutex_lock(&place->lock);
    struct entry *entry = get(place, row, now_ms);
    bool is = entry != NULL && is_due(entry, row, now_ms);
    if (is) {
        entry->asked_at_ms = now_ms;
    }
    pthread_mutex_unlock(&place->lock);
    return is;
}

void fm_position_end_list(struct fm_position *place, const struct fm_reader_job *row,
                          struct fm_position_key *keys, size_t count, int64_t now_ms)
{
    struct fm_position_key *old = keys;
    pthread_mutex_lock(&place->lock);
    struct entry *entry = find(place, row);
    if (entry != NULL) {
        old = entry->keys;
        entry->keys = keys;
        entry->count = count;
        entry->listed_at_ms = now_ms;
    }
    pthread_mutex_unlock(&place->lock);
    fm_memory_release(&old);
}

int64_t fm_position_ahead(struct fm_position *place, const struct fm_reader_job *row)
{
    pthread_mutex_lock(&place->lock);
    const struct entry *entry = find(place, row);
    bool is_known = entry != NULL && entry->listed_at_ms != 0;
    size_t before = is_known ? find_row(entry, row) : LISTED_MAX;
    pthread_mutex_unlock(&place->lock);
    return before < LISTED_MAX ? (int64_t)before : -1;
}

/* ---- a request's ---- */

static void take_list(struct fm_request *request)
{
    struct fm_db_rows *rows = request->query.rows;
    size_t count = request->query.failure == FM_NONE ? fm_db_rows_count(rows) : 0;
    struct fm_position_key *keys = fm_alloc_array(count + 1, sizeof(*keys));
    for (size_t i = 0; i < count; i++) {
        keys[i] = (struct fm_position_key){fm_db_integer(rows, i, 0), fm_db_id(rows, i, 1)};
    }
    if (request->query.failure == FM_NONE) {
        fm_position_end_list(request->front->position, &request->look.found, keys, count,
                             fm_clock_ms());
    } else {
        fm_memory_release(&keys);
    }
}

static void ask(struct fm_request *request)
{
    const struct fm_reader_job *row = &request->look.found;
    char account[FM_ID_UUID_SIZE], lane[16];
    fm_id_to_uuid(&row->account, account);
    snprintf(lane, sizeof(lane), "%u", row->lane);
    const char *const parameters[] = {row->pool, lane, account};
    struct fm_db_call call = {.sql = fm_sql_job_place, .parameters = parameters, .count = 3};
    fm_lookup_query(request, &call);
}

bool fm_position_is_listing(struct fm_request *request)
{
    struct fm_reader_job *row = &request->look.found;
    row->ahead = -1;
    if (row->state != FM_STATE_QUEUED || row->is_retry || row->pool == NULL) {
        return false;
    }
    if (request->is_listing) {
        request->is_listing = fm_lookup_is_waiting(request);
        if (request->is_listing) {
            return true;
        }
        take_list(request);
    } else if (fm_position_begin_list(request->front->position, row, fm_clock_ms())) {
        request->is_listing = true;
        ask(request);
        return true;
    }
    row->ahead = fm_position_ahead(request->front->position, row);
    return false;
}
