/* Keeps a count for each account that posts, plus the jobs accepted since it: see queued_limit.h.
 */
#include "broker/request/queued_limit.h"

#include <stdio.h>

#include "broker/config/account_plan.h"
#include "broker/db/db.h"
#include "broker/request/lookup.h"
#include "broker/request/single_flight.h"
#include "common/clock.h"
#include "common/memory.h"
#include "sql/sql.h"

/* An account's waiting jobs: counted + before + since. A job accepted while a count is under way
 * may or may not be in that count and is added to it; so the sum may be off by the jobs that were
 * being committed during the count, until the next one. */
struct count {
    uint64_t counted;
    uint64_t before, since; /* accepted before the newest count was started, and since then */
};

static const struct fm_single_flight_kind kind = {
    .key_size = sizeof(struct fm_id),
    .value_size = sizeof(struct count),
    .entries_max = 4096,
    .may_exceed = true, /* every account's limit must hold, however many accounts post */
    .fresh_ms = 1000,
    .kept_ms = 60000,
};

struct fm_queued_limit {
    struct fm_single_flight *counts;
};

struct fm_queued_limit *fm_queued_limit_new(void)
{
    struct fm_queued_limit *limit = fm_alloc(sizeof(*limit));
    limit->counts = fm_single_flight_new(&kind);
    return limit;
}

void fm_queued_limit_destroy(struct fm_queued_limit **limit)
{
    if (*limit == NULL) {
        return;
    }
    fm_single_flight_destroy(&(*limit)->counts);
    fm_memory_release(limit);
}

/* The most jobs the plan lets wait; 0: any number. */
static uint64_t most_queued(const struct fm_reader_lookup *lookup)
{
    return lookup->is_operator ? 0 : fm_account_plan_find(lookup->plan)->queued_jobs;
}

/* ---- counting ---- */

bool fm_queued_limit_begin_count(struct fm_queued_limit *limit,
                                 const struct fm_reader_lookup *lookup, int64_t now_ms,
                                 uint64_t *count_up_to)
{
    *count_up_to = most_queued(lookup) + 1;
    if (most_queued(lookup) == 0) {
        return false;
    }
    fm_single_flight_lock(limit->counts);
    struct count *count = fm_single_flight_get(limit->counts, &lookup->key_account, now_ms);
    bool is_due = fm_single_flight_begin(limit->counts, count, false, now_ms);
    if (is_due) {
        count->before += count->since;
        count->since = 0;
    }
    fm_single_flight_unlock(limit->counts);
    return is_due;
}

void fm_queued_limit_end_count(struct fm_queued_limit *limit, const struct fm_id *account,
                               uint64_t counted, int64_t now_ms)
{
    fm_single_flight_lock(limit->counts);
    struct count *count = fm_single_flight_find(limit->counts, account);
    if (count != NULL) {
        count->counted = counted;
        count->before = 0;
        fm_single_flight_end(limit->counts, count, now_ms);
    }
    fm_single_flight_unlock(limit->counts);
}

/* A count that failed changes nothing: the limit is judged by the older one. */
static void keep_count(struct fm_request *request)
{
    const struct fm_reader_query *query = &request->query;
    if (query->failure == FM_NONE && fm_db_rows_count(query->rows) == 1) {
        fm_queued_limit_end_count(request->front->queued_limit, &request->lookup.key_account,
                                  (uint64_t)fm_db_integer(query->rows, 0, 0), fm_clock_ms());
    }
}

enum fm_step fm_queued_limit_count(struct fm_request *request)
{
    struct fm_queued_limit *limit = request->front->queued_limit;
    uint64_t count_up_to = 0;
    if (request->is_counting) {
        request->is_counting = false;
        keep_count(request);
        return FM_STEP_NEXT;
    }
    if (!fm_queued_limit_begin_count(limit, &request->lookup, fm_clock_ms(), &count_up_to)) {
        return FM_STEP_NEXT;
    }
    char account[FM_ID_UUID_SIZE], most[24];
    fm_id_to_uuid(&request->lookup.key_account, account);
    snprintf(most, sizeof(most), "%llu", (unsigned long long)count_up_to);
    const char *const parameters[] = {account, most};
    struct fm_db_call call = {.sql = fm_sql_account_queued, .parameters = parameters, .count = 2};
    request->is_counting = true;
    return fm_lookup_query(request, &call);
}

/* ---- judging ---- */

/* Judging and adding happen under one lock, so that two requests cannot both take the last free
 * place. */
bool fm_queued_limit_admit(struct fm_queued_limit *limit, const struct fm_reader_lookup *lookup,
                           size_t jobs, struct fm_error *err)
{
    uint64_t most = most_queued(lookup);
    if (most == 0) {
        return true;
    }
    fm_single_flight_lock(limit->counts);
    struct count *count = fm_single_flight_get(limit->counts, &lookup->key_account, fm_clock_ms());
    uint64_t waiting = count->counted + count->before + count->since;
    bool is_admitted = waiting + jobs <= most;
    count->since += is_admitted ? jobs : 0;
    fm_single_flight_unlock(limit->counts);
    return is_admitted ||
           fm_fail(err, FM_TOO_MANY_ACTIVE_JOBS, "queued_limit: %llu wait, %zu more, limit %llu",
                   (unsigned long long)waiting, jobs, (unsigned long long)most);
}
