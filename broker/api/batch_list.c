/*
 * Lists an account's batches, newest first. Each batch of a page is counted for it, past the cache,
 * so pages are short (list.def).
 * Before: a request whose key is known. After: a page of batch objects.
 */
#include <string.h>

#include "broker/api/act.h"
#include "broker/api/batch_get.h"
#include "broker/api/list_filter.h"
#include "broker/request/lookup.h"
#include "broker/request/page.h"
#include "broker/request/reply.h"

enum stage { STAGE_START, STAGE_LISTING };

/* A cursor is the id of the first batch of its page. Without one, the page begins at the highest
 * possible id. */
static bool read_page(struct fm_request *request, struct fm_page_query *query, struct fm_id *upto,
                      struct fm_error *err)
{
    memset(upto->bytes, 0xff, sizeof(upto->bytes));
    if (!fm_list_filter_read(request->target.query, &fm_record_page_query, query, &request->arena,
                             err)) {
        return false;
    }
    return query->cursor == NULL || *query->cursor == '\0' ||
           fm_id_parse(FM_ID_BATCH, query->cursor, upto) ||
           fm_fail_param(err, FM_INVALID_PARAMETER, "cursor",
                         "cursor must be the next_cursor of a previous page");
}

/* One row more than the page shows tells whether there is another page, and where it begins. The
 * query's struct is in the arena, so request->act needs no act_done. */
static enum fm_step query_page(struct fm_request *request)
{
    struct fm_error err = {0};
    struct fm_page_query *query = fm_arena_alloc(&request->arena, sizeof(*query));
    const struct fm_id oldest = {0};
    struct fm_id upto;
    if (!read_page(request, query, &upto, &err)) {
        return fm_reply_error(request, &err);
    }
    request->act = query;
    request->stage = STAGE_LISTING;
    fm_batch_get_ask_range(request, &upto, &oldest, (size_t)query->limit + 1);
    return FM_STEP_WAIT;
}

static void put_batch(struct fm_page *page, const struct fm_batch_view *batch)
{
    FM_AUTO(fm_text_done) struct fm_text object = {0};
    fm_batch_view_write(batch, page->request->base, &object);
    fm_json_put_raw(&page->json, NULL, (struct fm_slice){object.data, object.length});
}

static enum fm_step reply_page(struct fm_request *request)
{
    const struct fm_page_query *query = request->act;
    struct fm_error err = {0};
    struct fm_page page;
    char cursor[FM_ID_TEXT_SIZE] = "";
    if (request->query.failure != FM_NONE) {
        fm_fail(&err, request->query.failure, "batches: no answer");
        return fm_reply_error(request, &err);
    }
    const struct fm_db_rows *rows = request->query.rows;
    fm_page_open(&page, request);
    for (size_t row = 0; row < fm_db_rows_count(rows); row++) {
        struct fm_batch_view batch = fm_batch_view_read(rows, row);
        if (row < query->limit) {
            put_batch(&page, &batch);
        } else {
            fm_id_format(FM_ID_BATCH, &batch.id, cursor);
        }
    }
    return fm_page_reply(&page, cursor[0] != '\0' ? cursor : NULL);
}

enum fm_step fm_batch_list_act(struct fm_request *request)
{
    return request->stage == STAGE_START ? query_page(request) : reply_page(request);
}
