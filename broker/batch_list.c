/*
 * An account's batches, newest first; each is counted anew, so a page is short.
 * Before: a request whose key is known. After: a page of batch objects.
 */
#include <stdio.h>
#include <string.h>

#include "broker/act.h"
#include "broker/ask.h"
#include "broker/batch_view.h"
#include "broker/filter.h"
#include "broker/page.h"
#include "broker/reply.h"
#include "sql/sql.h"

#define ID_COLUMN 8 /* of batch_list.sql, behind those of batch_count.sql */

enum stage { STAGE_START, STAGE_LISTING };

static bool read_page(struct fm_request *request, struct fm_page_query *query, struct fm_id *below,
                      struct fm_error *err)
{
    memset(below->bytes, 0xff, sizeof(below->bytes));
    if (!fm_filter_read(request->target.query, &fm_record_page_query, query, &request->arena,
                        err)) {
        return false;
    }
    return query->cursor == NULL || *query->cursor == '\0' ||
           fm_id_parse(FM_ID_BATCH, query->cursor, below) ||
           fm_fail_param(err, FM_INVALID_PARAMETER, "cursor",
                         "cursor must be the next_cursor of a page before");
}

static enum fm_step ask(struct fm_request *request)
{
    struct fm_error err = {0};
    struct fm_page_query *query = fm_arena_alloc(&request->arena, sizeof(*query));
    struct fm_id below;
    char account[FM_ID_UUID_SIZE], bound[FM_ID_UUID_SIZE], rows[16], outcomes[3][16];
    if (!read_page(request, query, &below, &err)) {
        return fm_reply_error(request, &err);
    }
    fm_id_to_uuid(&request->look.key_account, account);
    fm_id_to_uuid(&below, bound);
    snprintf(rows, sizeof(rows), "%u", (unsigned)query->limit + 1);
    static const enum fm_state ends[] = {FM_STATE_SUCCEEDED, FM_STATE_FAILED, FM_STATE_CANCELED};
    for (size_t i = 0; i < FM_COUNT(ends); i++) {
        snprintf(outcomes[i], sizeof(outcomes[i]), "%u", (unsigned)ends[i]);
    }
    const char *parameters[] = {account, bound, rows, outcomes[0], outcomes[1], outcomes[2]};
    request->act = query;
    request->stage = STAGE_LISTING;
    fm_ask_query(request, fm_sql_batch_list, parameters, FM_COUNT(parameters));
    return FM_STEP_WAIT;
}

static void put_batch(struct fm_page *page, size_t row, char cursor[FM_ID_TEXT_SIZE])
{
    const struct fm_db_rows *rows = page->request->query.rows;
    FM_AUTO(fm_text_done) struct fm_text object = {0};
    struct fm_id id = fm_db_id(rows, row, ID_COLUMN);
    struct fm_batch_view batch = fm_batch_view_read(&id, rows, row);
    fm_batch_view_write(&batch, page->request->base, &object);
    fm_json_put_raw(&page->json, NULL, (struct fm_slice){object.data, object.length});
    fm_id_format(FM_ID_BATCH, &id, cursor);
}

static enum fm_step answer(struct fm_request *request)
{
    const struct fm_page_query *query = request->act;
    struct fm_error err = {0};
    struct fm_page page;
    char cursor[FM_ID_TEXT_SIZE];
    if (fm_ask_is_waiting(request)) {
        return FM_STEP_WAIT;
    }
    if (request->query.failure != FM_NONE) {
        fm_fail(&err, request->query.failure, "batches: no answer");
        return fm_reply_error(request, &err);
    }
    size_t rows = fm_db_rows_count(request->query.rows);
    fm_page_open(&page, request);
    for (size_t row = 0; row < rows && row < query->limit; row++) {
        put_batch(&page, row, cursor);
    }
    return fm_page_reply(&page, rows > query->limit ? cursor : NULL);
}

enum fm_step fm_batch_list_act(struct fm_request *request)
{
    return request->stage == STAGE_START ? ask(request) : answer(request);
}
