/* A count for each account that posts, and what was accepted since: see queued_limit.h. */
#include "broker/request/queued_limit.h"

#include <pthread.h>
#include <stdio.h>
#include <uthash.h>

#include "broker/config/account_plan.h"
#include "broker/db/db.h"
#include "broker/request/lookup.h"
#include "common/clock.h"
#include "common/memory.h"
#include "sql/sql.h"

#define FRESH_MS 1000     /* a count is good for so long, and one under way is waited for so long */
#define KEPT_MS 60000     /* then what is known of an account is not believed any more */
#define ACCOUNTS_MAX 4096 /* beyond, those that were not counted lately are forgotten */

struct entry {
    struct fm_id account;
    int64_t asked_at_ms, counted_at_ms; /* 0: never */
    uint64_t count;
    uint64_t before, since; /* accepted before the newest count was asked for, and since */
    UT_hash_handle hh;
};

struct fm_queued_limit {
    pthread_mutex_t lock;
    struct entry *entries;
};

struct fm_queued_limit *fm_queued_limit_new(void)
{
    struct fm_queued_limit *load = fm_alloc(sizeof(*load));
    pthread_mutex_init(&load->lock, NULL);
    return load;
}

static void forget(struct fm_queued_limit *load, int64_t asked_before_ms)
{
    struct entry *entry, *next;
    HASH_ITER (hh, load->entries, entry, next) {
        if (entry->asked_at_ms < asked_before_ms) {
            HASH_DEL(load->entries, entry);
            fm_memory_release(&entry);
        }
    }
}

void fm_queued_limit_destroy(struct fm_queued_limit **load)
{
    if (*load == NULL) {
        return;
    }
    forget(*load, INT64_MAX);
    pthread_mutex_destroy(&(*load)->lock);
    fm_memory_release(load);
}

static struct entry *find(struct fm_queued_limit *load, const struct fm_id *account)
{
    struct entry *entry = NULL;
    HASH_FIND(hh, load->entries, account, sizeof(*account), entry);
    return entry;
}

static struct entry *get(struct fm_queued_limit *load, const struct fm_id *account, int64_t now_ms)
{
    struct entry *entry = find(load, account);
    if (entry != NULL) {
        return entry;
    }
    if (HASH_COUNT(load->entries) >= ACCOUNTS_MAX) {
        forget(load, now_ms - FRESH_MS);
    }
    entry = fm_alloc(sizeof(*entry));
    entry->account = *account;
    HASH_ADD(hh, load->entries, account, sizeof(entry->account), entry);
    return entry;
}

/* 0: none. */
static uint64_t cap_of(const struct fm_reader_lookup *look)
{
    return look->is_operator ? 0 : fm_account_plan_find(look->plan)->queued_jobs;
}

/* ---- counting ---- */

/* Nobody need wait for a count that another makes, while there is an older one. */
static bool is_due(const struct entry *entry, int64_t now_ms)
{
    bool is_fresh = entry->counted_at_ms != 0 && now_ms - entry->counted_at_ms < FRESH_MS;
    bool is_known = entry->counted_at_ms != 0 && now_ms - entry->counted_at_ms < KEPT_MS;
    bool is_asked = entry->asked_at_ms != 0 && now_ms - entry->asked_at_ms < FRESH_MS;
    return !is_fresh && !(is_known && is_asked);
}

bool fm_queued_limit_begin_count(struct fm_queued_limit *load, const struct fm_reader_lookup *look,
                                 int64_t now_ms, uint64_t *limit)
{
    *limit = cap_of(look) + 1;
    if (cap_of(look) == 0) {
        return false;
    }
    pthread_mutex_lock(&load->lock);
    struct entry *entry = get(load, &look->key_account, now_ms);
    bool is = is_due(entry, now_ms);
    if (is) {
        entry->asked_at_ms = now_ms;
        entry->before += entry->since;
        entry->since = 0;
    }
    pthread_mutex_unlock(&load->lock);
    return is;
}

void fm_queued_limit_end_count(struct fm_queued_limit *load, const struct fm_id *account,
                               uint64_t count, int64_t now_ms)
{
    pthread_mutex_lock(&load->lock);
    struct entry *entry = find(load, account);
    if (entry != NULL) {
        entry->count = count;
        entry->before = 0;
        entry->counted_at_ms = now_ms;
    }
    pthread_mutex_unlock(&load->lock);
}

static void take_count(struct fm_request *request)
{
    const struct fm_reader_query *query = &request->query;
    if (query->failure == FM_NONE && fm_db_rows_count(query->rows) == 1) {
        fm_queued_limit_end_count(request->front->queued_limit, &request->look.key_account,
                                  (uint64_t)fm_db_integer(query->rows, 0, 0), fm_clock_ms());
    }
}

bool fm_queued_limit_is_counting(struct fm_request *request)
{
    uint64_t limit = 0;
    if (request->is_counting) {
        request->is_counting = fm_lookup_is_waiting(request);
        if (!request->is_counting) {
            take_count(request);
        }
        return request->is_counting;
    }
    request->is_counting = fm_queued_limit_begin_count(request->front->queued_limit, &request->look,
                                                       fm_clock_ms(), &limit);
    if (request->is_counting) {
        char account[FM_ID_UUID_SIZE], most[24];
        fm_id_to_uuid(&request->look.key_account, account);
        snprintf(most, sizeof(most), "%llu", (unsigned long long)limit);
        const char *const parameters[] = {account, most};
        struct fm_db_call call = {
            .sql = fm_sql_account_queued, .parameters = parameters, .count = 2};
        fm_lookup_query(request, &call);
    }
    return request->is_counting;
}

/* ---- judging ---- */

bool fm_queued_limit_may_queue(struct fm_queued_limit *load, const struct fm_reader_lookup *look,
                               size_t jobs, struct fm_error *err)
{
    uint64_t cap = cap_of(look);
    if (cap == 0) {
        return true;
    }
    pthread_mutex_lock(&load->lock);
    struct entry *entry = get(load, &look->key_account, fm_clock_ms());
    uint64_t waiting = entry->count + entry->before + entry->since;
    bool may = waiting + jobs <= cap;
    entry->since += may ? jobs : 0;
    pthread_mutex_unlock(&load->lock);
    return may ||
           fm_fail(err, FM_TOO_MANY_ACTIVE_JOBS, "load: %llu waiting, %zu more, %llu at most",
                   (unsigned long long)waiting, jobs, (unsigned long long)cap);
}
