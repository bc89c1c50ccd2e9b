/* Keeps a list for each line that clients poll: see position.h. */
#include "broker/api/position.h"

#include <stdio.h>
#include <string.h>

#include "broker/db/db.h"
#include "broker/request/lookup.h"
#include "broker/request/single_flight.h"
#include "common/clock.h"
#include "common/memory.h"
#include "sql/sql.h"

#define LISTED_MAX 1001 /* as job_position.sql lists: positions 0 to 1,000 can be shown */

/* The jobs of one line wait for the same slots, one behind the other. This struct is the key. */
struct line {
    struct fm_id account;
    unsigned lane;
    char pool[48];
};

/* A line's first keys, in the order in which the jobs start. */
struct listing {
    struct fm_position_key *keys;
    size_t count;
};

static void listing_done(void *value)
{
    struct listing *listing = value;
    fm_memory_release(&listing->keys);
}

static const struct fm_single_flight_kind kind = {
    .key_size = sizeof(struct line),
    .value_size = sizeof(struct listing),
    .entries_max = 256, /* of up to 24 KiB each; polls of further lines show no position */
    .fresh_ms = 1000,
    .kept_ms = 10000,
    .value_done = listing_done,
};

struct fm_position {
    struct fm_single_flight *lists;
};

struct fm_position *fm_position_new(void)
{
    struct fm_position *position = fm_alloc(sizeof(*position));
    position->lists = fm_single_flight_new(&kind);
    return position;
}

void fm_position_destroy(struct fm_position **position)
{
    if (*position == NULL) {
        return;
    }
    fm_single_flight_destroy(&(*position)->lists);
    fm_memory_release(position);
}

static struct line line_of(const struct fm_reader_job *row)
{
    struct line line;
    memset(&line, 0, sizeof(line)); /* keys are compared as memory, padding included */
    line.account = row->account;
    line.lane = row->lane;
    snprintf(line.pool, sizeof(line.pool), "%s", row->pool);
    return line;
}

/* ---- listing ---- */

static bool is_before(const struct fm_position_key *key, const struct fm_reader_job *row)
{
    if (key->run_at_us != row->run_at_us) {
        return key->run_at_us < row->run_at_us;
    }
    return fm_id_compare(&key->id, &row->id) < 0;
}

/* How many of the listed keys stand before the row. */
static size_t count_before(const struct listing *listing, const struct fm_reader_job *row)
{
    size_t low = 0, high = listing->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (is_before(&listing->keys[middle], row)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* True if the job came after the list was made, so that the list must be made again. A job behind a
 * full list has no position in either case. */
static bool is_missing(const struct listing *listing, const struct fm_reader_job *row)
{
    size_t at = count_before(listing, row);
    bool is_there = at < listing->count && fm_id_compare(&listing->keys[at].id, &row->id) == 0;
    return !is_there && at < LISTED_MAX;
}

bool fm_position_begin_list(struct fm_position *position, const struct fm_reader_job *row,
                            int64_t now_ms)
{
    struct line line = line_of(row);
    fm_single_flight_lock(position->lists);
    struct listing *listing = fm_single_flight_get(position->lists, &line, now_ms);
    bool is_due = listing != NULL && fm_single_flight_begin(position->lists, listing,
                                                            is_missing(listing, row), now_ms);
    fm_single_flight_unlock(position->lists);
    return is_due;
}

void fm_position_end_list(struct fm_position *position, const struct fm_reader_job *row,
                          struct fm_position_key *keys, size_t count, int64_t now_ms)
{
    struct line line = line_of(row);
    struct fm_position_key *unused = keys;
    fm_single_flight_lock(position->lists);
    struct listing *listing = fm_single_flight_find(position->lists, &line);
    if (listing != NULL) {
        unused = listing->keys;
        *listing = (struct listing){keys, count};
        fm_single_flight_end(position->lists, listing, now_ms);
    }
    fm_single_flight_unlock(position->lists);
    fm_memory_release(&unused);
}

int64_t fm_position_ahead(struct fm_position *position, const struct fm_reader_job *row)
{
    struct line line = line_of(row);
    size_t ahead = LISTED_MAX;
    fm_single_flight_lock(position->lists);
    const struct listing *listing = fm_single_flight_find(position->lists, &line);
    if (listing != NULL && fm_single_flight_is_answered(position->lists, listing)) {
        ahead = count_before(listing, row);
    }
    fm_single_flight_unlock(position->lists);
    return ahead < LISTED_MAX ? (int64_t)ahead : -1;
}

/* ---- for a request ---- */

static void keep_list(struct fm_request *request)
{
    struct fm_db_rows *rows = request->query.rows;
    if (request->query.failure != FM_NONE) {
        return;
    }
    size_t count = fm_db_rows_count(rows);
    struct fm_position_key *keys = fm_alloc_array(count + 1, sizeof(*keys));
    for (size_t i = 0; i < count; i++) {
        keys[i] = (struct fm_position_key){fm_db_integer(rows, i, 0), fm_db_id(rows, i, 1)};
    }
    fm_position_end_list(request->front->position, &request->lookup.found, keys, count,
                         fm_clock_ms());
}

static enum fm_step query_list(struct fm_request *request)
{
    const struct fm_reader_job *row = &request->lookup.found;
    char account[FM_ID_UUID_SIZE], lane[16];
    fm_id_to_uuid(&row->account, account);
    snprintf(lane, sizeof(lane), "%u", row->lane);
    const char *const parameters[] = {row->pool, lane, account};
    struct fm_db_call call = {.sql = fm_sql_job_position, .parameters = parameters, .count = 3};
    return fm_lookup_query(request, &call);
}

enum fm_step fm_position_find(struct fm_request *request)
{
    struct fm_reader_job *row = &request->lookup.found;
    row->ahead = -1;
    if (row->state != FM_STATE_QUEUED || row->is_retry || row->pool == NULL) {
        return FM_STEP_NEXT;
    }
    if (request->is_listing) {
        request->is_listing = false;
        keep_list(request);
    } else if (fm_position_begin_list(request->front->position, row, fm_clock_ms())) {
        request->is_listing = true;
        return query_list(request);
    }
    row->ahead = fm_position_ahead(request->front->position, row);
    return FM_STEP_NEXT;
}
