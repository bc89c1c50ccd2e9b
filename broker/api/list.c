/*
 * Lists jobs: an account's, or a batch's, newest first. The statement looks at a limited number of
 * rows, so a page may be short, or empty, although there are more.
 * Before: a request whose key is known. After: a page of job objects.
 */
#include <stdio.h>
#include <string.h>

#include "broker/api/act.h"
#include "broker/api/list_filter.h"
#include "broker/db/db.h"
#include "broker/db/reader_row.h"
#include "broker/queue/dispatch.h"
#include "broker/request/lookup.h"
#include "broker/request/page.h"
#include "broker/request/reply.h"
#include "common/clock.h"
#include "sql/sql.h"

#define EDGE_COLUMN 21 /* job_list.sql's column after those of the job */

/* Parameters of job_list.sql, counted from 0; STATES and WORDS are arrays. */
enum { STATES = 4, WORDS = 8, PARAMETERS = 10 };

enum stage { STAGE_START, STAGE_BATCH, STAGE_LISTING };

/* The filter lives in the arena, so request->act needs no act_done. */
static struct fm_list_filter *filter_of(struct fm_request *request)
{
    if (request->act == NULL) {
        request->act = fm_arena_alloc(&request->arena, sizeof(struct fm_list_filter));
    }
    return request->act;
}

/* ---- the query ---- */

static const char *uuid_of(const struct fm_id *id, bool is_there, char out[FM_ID_UUID_SIZE])
{
    fm_id_to_uuid(id, out);
    return is_there ? out : NULL;
}

static const char *number_of(unsigned long number, bool is_there, char out[16])
{
    snprintf(out, 16, "%lu", number);
    return is_there ? out : NULL;
}

static enum fm_step query_page(struct fm_request *request)
{
    const struct fm_list_filter *filter = filter_of(request);
    char account[FM_ID_UUID_SIZE], below[FM_ID_UUID_SIZE], from[FM_ID_UUID_SIZE];
    char batch[FM_ID_UUID_SIZE], key[FM_ID_UUID_SIZE], type[16], site[16], rows[16];
    FM_AUTO(fm_text_done) struct fm_text states = {0}, words = {0};
    fm_list_filter_states(filter, &states);
    fm_list_filter_words(filter, &words);
    int lengths[PARAMETERS] = {0};
    const char *parameters[PARAMETERS] = {
        uuid_of(&request->lookup.key_account, true, account),
        uuid_of(&filter->below, true, below),
        uuid_of(&filter->from, true, from),
        uuid_of(&filter->batch, filter->has_batch, batch),
        [STATES + 1] = number_of(filter->type, filter->has_type, type),
        number_of(filter->site, filter->has_site, site),
        uuid_of(&filter->key, filter->has_key, key),
        [WORDS + 1] = number_of(filter->asked.limit + 1, true, rows),
    };
    if (filter->has_states) {
        fm_db_parameters(&states, 1, &parameters[STATES], &lengths[STATES]);
    }
    fm_db_parameters(&words, 1, &parameters[WORDS], &lengths[WORDS]);
    request->stage = STAGE_LISTING;
    struct fm_db_call call = {
        .sql = fm_sql_job_list, .parameters = parameters, .lengths = lengths, .count = PARAMETERS};
    return fm_lookup_query(request, &call);
}

/* ---- the page ---- */

static bool put_job(struct fm_page *page, size_t row, struct fm_id *last, struct fm_error *err)
{
    struct fm_request *request = page->request;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text object = {0};
    struct fm_reader_job job;
    struct fm_job_view view;
    if (!fm_reader_row_job(request->query.rows, row, &arena, &job)) {
        return true; /* the row without a job, which only carries the edge */
    }
    *last = job.id;
    if (!fm_job_view_read(&job, &arena, &view, err)) {
        return false;
    }
    if (fm_list_filter_matches(filter_of(request), &view)) {
        fm_job_view_explain(&view, fm_dispatch_reason(request->front->dispatch));
        fm_job_view_write(&view, request->front->signed_url, request->base, fm_clock_wall_us(),
                          &object);
        fm_json_put_raw(&page->json, NULL, (struct fm_slice){object.data, object.length});
    }
    return true;
}

/* Finds where the next page begins: after the last row of this page; or, if the statement stopped
 * early because it had looked at too many rows, after the last row that it looked at (the edge). */
static bool find_cursor(const struct fm_request *request, size_t rows, size_t limit,
                        const struct fm_id *last, char cursor[FM_ID_TEXT_SIZE])
{
    bool has_edge = rows > 0 && !fm_db_is_null(request->query.rows, 0, EDGE_COLUMN);
    if (rows <= limit && !has_edge) {
        return false;
    }
    struct fm_id edge = fm_db_id(request->query.rows, 0, EDGE_COLUMN);
    fm_id_format(FM_ID_JOB, rows > limit ? last : &edge, cursor);
    return true;
}

static enum fm_step reply_page(struct fm_request *request)
{
    struct fm_page page;
    struct fm_error err = {0};
    struct fm_id last = {0};
    char cursor[FM_ID_TEXT_SIZE];
    if (request->query.failure != FM_NONE) {
        fm_fail(&err, request->query.failure, "list: no answer");
        return fm_reply_error(request, &err);
    }
    size_t limit = (size_t)filter_of(request)->asked.limit;
    size_t rows = fm_db_rows_count(request->query.rows);
    fm_page_open(&page, request);
    for (size_t row = 0; row < rows && row < limit; row++) {
        if (!put_job(&page, row, &last, &err)) {
            fm_page_done(&page);
            return fm_reply_error(request, &err);
        }
    }
    bool has_more = find_cursor(request, rows, limit, &last, cursor);
    return fm_page_reply(&page, has_more ? cursor : NULL);
}

enum fm_step fm_list_jobs_act(struct fm_request *request)
{
    struct fm_error err = {0};
    if (request->stage == STAGE_LISTING) {
        return reply_page(request);
    }
    if (!fm_list_filter_jobs(request->target.query, &request->arena, filter_of(request), &err)) {
        return fm_reply_error(request, &err);
    }
    return query_page(request);
}

/* ---- the jobs of a batch, which must exist ---- */

static enum fm_step ask_batch(struct fm_request *request)
{
    struct fm_list_filter *filter = filter_of(request);
    char account[FM_ID_UUID_SIZE], batch[FM_ID_UUID_SIZE];
    struct fm_error err = {0};
    if (!fm_list_filter_jobs(request->target.query, &request->arena, filter, &err)) {
        return fm_reply_error(request, &err);
    }
    if (!fm_id_parse(FM_ID_BATCH, request->values[0], &filter->batch)) {
        fm_fail_param(&err, FM_NOT_FOUND, NULL, "No such batch");
        return fm_reply_error(request, &err);
    }
    filter->has_batch = true;
    const char *parameters[] = {uuid_of(&request->lookup.key_account, true, account),
                                uuid_of(&filter->batch, true, batch)};
    request->stage = STAGE_BATCH;
    struct fm_db_call call = {
        .sql = fm_sql_batch_range, .parameters = parameters, .count = FM_COUNT(parameters)};
    return fm_lookup_query(request, &call);
}

static enum fm_step find_batch(struct fm_request *request)
{
    struct fm_error err = {0};
    if (request->query.failure != FM_NONE) {
        fm_fail(&err, request->query.failure, "list: no answer");
        return fm_reply_error(request, &err);
    }
    if (fm_db_rows_count(request->query.rows) == 0) {
        fm_fail_param(&err, FM_NOT_FOUND, NULL, "No such batch");
        return fm_reply_error(request, &err);
    }
    return query_page(request);
}

enum fm_step fm_list_batch_jobs_act(struct fm_request *request)
{
    static enum fm_step (*const stages[])(struct fm_request *) = {
        [STAGE_START] = ask_batch, [STAGE_BATCH] = find_batch, [STAGE_LISTING] = reply_page};
    return stages[request->stage](request);
}
