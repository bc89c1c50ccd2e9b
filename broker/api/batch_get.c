/*
 * GET of a batch.
 * Before: a request with its key. After: 200 with the batch and its counts, about a second old at
 * most, or 404.
 */
#include "broker/api/batch_get.h"

#include <stdio.h>

#include "broker/api/act.h"
#include "broker/api/batch_cache.h"
#include "broker/request/lookup.h"
#include "broker/request/reply.h"
#include "common/clock.h"
#include "sql/sql.h"

#define MOMENT_MS 50 /* between two lookups in the cache while another request counts */

enum stage { STAGE_START, STAGE_ASKED };

bool fm_batch_get_name(struct fm_request *request)
{
    return fm_id_parse(FM_ID_BATCH, request->values[0], &request->batch);
}

enum fm_step fm_batch_get_missing(struct fm_request *request)
{
    struct fm_error err = {0};
    fm_fail_param(&err, FM_NOT_FOUND, NULL, "No such batch");
    return fm_reply_error(request, &err);
}

/* The states are passed as parameters, so that the statement contains no numbers of state.def. */
void fm_batch_get_ask_range(struct fm_request *request, const struct fm_id *upto,
                            const struct fm_id *from, size_t rows)
{
    char ids[3][FM_ID_UUID_SIZE], limit[24], states[3][8];
    static const enum fm_state asked[] = {FM_STATE_SUCCEEDED, FM_STATE_FAILED, FM_STATE_CANCELED};
    const char *const parameters[] = {ids[0],    ids[1],    ids[2],   limit,
                                      states[0], states[1], states[2]};
    fm_id_to_uuid(&request->lookup.key_account, ids[0]);
    fm_id_to_uuid(upto, ids[1]);
    fm_id_to_uuid(from, ids[2]);
    snprintf(limit, sizeof(limit), "%zu", rows);
    for (size_t i = 0; i < FM_COUNT(asked); i++) {
        snprintf(states[i], sizeof(states[i]), "%d", (int)asked[i]);
    }
    struct fm_db_call call = {
        .sql = fm_sql_batch_count, .parameters = parameters, .count = FM_COUNT(parameters)};
    fm_lookup_query(request, &call);
}

void fm_batch_get_ask(struct fm_request *request)
{
    fm_batch_get_ask_range(request, &request->batch, &request->batch, 1);
}

enum fm_step fm_batch_get_reply(struct fm_request *request, const struct fm_batch_view *batch,
                                unsigned status)
{
    struct fm_text body = {0};
    if (!fm_batch_view_is_done(batch)) {
        fm_http_header(request->exchange, "Retry-After", "1");
    }
    fm_batch_view_write(batch, request->base, &body);
    return fm_reply_json(request, status, &body);
}

enum fm_step fm_batch_get_answer(struct fm_request *request)
{
    struct fm_batch_cache *cache = request->front->batches;
    const struct fm_reader_query *query = &request->query;
    struct fm_error err = {0};
    bool has_failed = query->failure != FM_NONE;
    if (has_failed || fm_db_rows_count(query->rows) == 0) {
        fm_batch_cache_forget(cache, &request->batch);
        fm_fail(&err, FM_UNAVAILABLE, "batch: no answer");
        return has_failed ? fm_reply_error(request, &err) : fm_batch_get_missing(request);
    }
    struct fm_batch_view batch = fm_batch_view_read(query->rows, 0);
    fm_batch_cache_put(cache, &request->lookup.key_account, &batch);
    return fm_batch_get_reply(request, &batch, 200);
}

static enum fm_step start_lookup(struct fm_request *request)
{
    struct fm_batch_view batch;
    if (!fm_batch_get_name(request)) {
        return fm_batch_get_missing(request);
    }
    switch (fm_batch_cache_look_up(request->front->batches, &request->lookup.key_account,
                                   &request->batch, &batch)) {
    case FM_BATCH_CACHE_KNOWN:
        return fm_batch_get_reply(request, &batch, 200);
    case FM_BATCH_CACHE_WAIT:
        fm_http_wait(request->exchange, fm_clock_ms() + MOMENT_MS);
        return FM_STEP_WAIT;
    default:
        request->stage = STAGE_ASKED;
        fm_batch_get_ask(request);
        return FM_STEP_WAIT;
    }
}

enum fm_step fm_batch_get_act(struct fm_request *request)
{
    if (request->stage == STAGE_START) {
        return start_lookup(request);
    }
    return fm_batch_get_answer(request);
}
