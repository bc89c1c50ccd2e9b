/*
 * Creates a batch: many jobs in one POST. Each job is validated as its line arrives, on the front
 * thread, and appended to an unlinked file; no transaction is open meanwhile, so a slow client
 * blocks nothing in the database. After the last line the file is copied into the database as one
 * transaction (batch_writer.c). All or nothing: the first job that is refused refuses the batch,
 * and the error names its line.
 * Before: a request with its key. After: 202 with the batch, committed.
 * Owns: the file. Threads: the request's front thread; the commit runs on a batch writer thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "broker/api/act.h"
#include "broker/api/batch_get.h"
#include "broker/api/batch_lines.h"
#include "broker/api/submit.h"
#include "broker/config/allow.h"
#include "broker/db/batch_writer.h"
#include "broker/queue/dispatch.h"
#include "broker/request/lookup.h"
#include "broker/request/queued_limit.h"
#include "broker/request/reply.h"
#include "common/clock.h"
#include "common/log.h"
#include "proto/names.h"

#define JSON_BYTES ((size_t)16 * 1024 * 1024) /* of a body of the JSON form */
#define BUSY_SECONDS 10u                      /* Retry-After when too many batches arrive at once */

enum stage { STAGE_START, STAGE_RECEIVING, STAGE_KEY_CHECK, STAGE_COUNTING, STAGE_WRITING };

struct batch {
    struct fm_http_exchange *exchange;
    struct fm_batch_lines lines;
    size_t jobs_limit, bytes_limit, bytes;
    struct fm_batch_file *file;
    struct fm_address_policy policy;
    struct fm_validate_input input; /* for every job; only `body` differs */
    struct fm_text packed;
    struct fm_batch_writer_task task;
    struct fm_id account;    /* whose turn at the batch writer we hold; zero: none */
    struct fm_suspend *wait; /* the request's */
};

/* Gives up the turn at the batch writer. A refused batch does so at once, however long its client
 * goes on sending. */
static void leave_writer(struct fm_request *request, struct batch *batch)
{
    if (!fm_id_is_zero(&batch->account)) {
        fm_batch_writer_leave(request->front->batch_writer, &batch->account);
        batch->account = (struct fm_id){{0}};
    }
}

static void batch_done(struct fm_request *request)
{
    struct batch *batch = request->act;
    leave_writer(request, batch);
    fm_batch_lines_done(&batch->lines);
    fm_batch_file_destroy(&batch->file);
    fm_address_policy_done(&batch->policy);
    fm_text_done(&batch->packed);
    free(batch);
    request->act = NULL;
}

/* ---- one job ---- */

static struct fm_batch_job job_of(const struct fm_spec *spec, const struct fm_text *packed)
{
    struct fm_batch_job job = {
        .run_at_us = (int64_t)spec->run_at_ms * 1000,
        .timeout_seconds = (int32_t)spec->timeout_seconds,
        .expires_seconds = (int32_t)spec->expires_in_seconds,
        .type = (int16_t)spec->type,
        .site = (int16_t)spec->site,
        .lane = (int16_t)spec->priority,
        .max_tries = (int16_t)spec->max_attempts,
        .spec = {packed->data, packed->length},
    };
    snprintf(job.pool, sizeof(job.pool), "%s", fm_submit_pool(spec));
    return job;
}

static bool keep_job(struct batch *batch, const struct fm_spec *spec, struct fm_error *err)
{
    fm_text_clear(&batch->packed);
    if (!fm_spec_write(spec, &batch->packed, err)) {
        return false;
    }
    struct fm_batch_job job = job_of(spec, &batch->packed);
    return fm_batch_file_add(batch->file, &job, err);
}

/* The arena is this job's alone, so a batch never needs more memory than its largest job. */
static bool add_job(void *context, struct fm_slice body, struct fm_error *err)
{
    struct batch *batch = context;
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_validate_result result;
    if (fm_batch_file_count(batch->file) == batch->jobs_limit) {
        return fm_fail_param(err, FM_INVALID_REQUEST, NULL, "A batch has at most %zu jobs%s",
                             batch->jobs_limit,
                             batch->lines.form == FM_BATCH_LINES_JSON
                                 ? "; as application/x-ndjson, one job per line, 100000"
                                 : "");
    }
    batch->input.body = body;
    return fm_validate_job(&batch->input, &arena, &result, err) &&
           keep_job(batch, &result.spec, err);
}

/* ---- refusals ---- */

/* Adds the job's number to the error: "… (line 17)", and for the JSON form also the parameter's
 * path, "jobs[16].url". Errors that are our fault are left as they are. */
static void name_line(const struct batch *batch, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text message = {0}, param = {0};
    bool is_line = batch->lines.form == FM_BATCH_LINES_NDJSON;
    size_t number = batch->lines.number;
    if (number == 0 || fm_reply_status(err->code) >= 500) {
        return;
    }
    const char *text = err->code == FM_INVALID_JSON ? "This is not valid JSON" : fm_error_text(err);
    fm_text_format(&message, "%.440s (%s %zu)", text, is_line ? "line" : "job", number);
    if (!is_line && err->param[0] != '\0') {
        fm_text_format(&param, "jobs[%zu].", number - 1);
    }
    fm_text_append(&param, err->param);
    fm_fail_param(err, err->code, fm_text_get(&param), "%s", fm_text_get(&message));
    err->line = (unsigned)number;
}

static enum fm_step refuse_batch(struct fm_request *request, struct fm_error *err)
{
    struct batch *batch = request->act;
    if (err->code != FM_PAYLOAD_TOO_LARGE) {
        name_line(batch, err);
    }
    leave_writer(request, batch);
    return fm_reply_error(request, err);
}

/* ---- the body ---- */

/* Called by the HTTP server with each part of the body. */
static bool receive_body(struct fm_http_exchange *exchange, struct fm_slice bytes)
{
    struct fm_request *request = fm_http_user(exchange);
    struct batch *batch = request->act;
    struct fm_error err = {0};
    batch->bytes += bytes.length;
    bool is_good = batch->bytes <= batch->bytes_limit
                       ? fm_batch_lines_feed(&batch->lines, bytes, &err)
                       : fm_fail(&err, FM_PAYLOAD_TOO_LARGE, "batch: the body is too long");
    if (!is_good) {
        refuse_batch(request, &err);
    }
    return is_good;
}

static bool is_type(const char *content_type, const char *wanted)
{
    size_t length = strcspn(content_type, "; \t");
    return length == strlen(wanted) && strncasecmp(content_type, wanted, length) == 0;
}

/* The body's form, by its content type. JSON is also accepted under the type that curl -d sends. */
static bool read_form(struct batch *batch, const char *content_type, struct fm_error *err)
{
    static const char *const lines[] = {"application/x-ndjson", "application/ndjson",
                                        "application/jsonl", "application/x-jsonlines"};
    static const char *const json[] = {"", "application/json", "application/x-www-form-urlencoded"};
    const char *type = content_type != NULL ? content_type : "";
    for (size_t i = 0; i < FM_COUNT(lines); i++) {
        if (is_type(type, lines[i])) {
            batch->lines.form = FM_BATCH_LINES_NDJSON;
            batch->jobs_limit = FM_BATCH_LINES_NDJSON_JOBS;
            batch->bytes_limit = FM_BATCH_LINES_NDJSON_BYTES;
            return true;
        }
    }
    batch->lines.form = FM_BATCH_LINES_JSON;
    batch->jobs_limit = FM_BATCH_LINES_JSON_JOBS;
    batch->bytes_limit = JSON_BYTES;
    for (size_t i = 0; i < FM_COUNT(json); i++) {
        if (is_type(type, json[i])) {
            return true;
        }
    }
    return fm_fail_param(err, FM_UNSUPPORTED_MEDIA_TYPE, NULL,
                         "Send {\"jobs\": [...]} as application/json, or one job per line as "
                         "application/x-ndjson");
}

/* The allow-list is read once for the whole batch. If it is malformed, private networks are closed
 * but the batch goes on. */
static bool prepare(struct fm_request *request, struct batch *batch, struct fm_error *err)
{
    const struct fm_broker_settings *settings = request->front->settings;
    if (!read_form(batch, fm_http_find(request->exchange, "content-type"), err)) {
        return false;
    }
    if (request->target.has_length && request->target.content_length > batch->bytes_limit) {
        fm_http_close_after(request->exchange);
        return fm_fail(err, FM_PAYLOAD_TOO_LARGE, "batch: the declared length is too long");
    }
    if (!fm_batch_writer_enter(request->front->batch_writer, &request->lookup.key_account)) {
        request->retry_after_seconds = BUSY_SECONDS;
        return fm_fail(err, FM_UNAVAILABLE, "batch: too many at once");
    }
    batch->account = request->lookup.key_account;
    if (!fm_allow_read(settings, &batch->policy, err)) {
        fm_log_failure("allow_list_unread", err);
        *err = (struct fm_error){0};
    }
    return fm_batch_file_new(settings->store_dir, &batch->file, err);
}

static enum fm_step start_batch(struct fm_request *request)
{
    struct fm_error err = {0};
    struct batch *batch = fm_alloc(sizeof(*batch));
    batch->exchange = request->exchange;
    batch->wait = &request->wait;
    request->act = batch;
    request->act_done = batch_done;
    if (!prepare(request, batch, &err)) {
        return refuse_batch(request, &err);
    }
    batch->lines.handle_job = add_job;
    batch->lines.context = batch;
    batch->input = (struct fm_validate_input){.scopes = request->lookup.scopes,
                                              .policy = &batch->policy,
                                              .now_ms = fm_clock_wall_us() / 1000};
    request->stage = STAGE_RECEIVING;
    fm_http_stream(request->exchange, -1, receive_body);
    return FM_STEP_WAIT;
}

/* ---- the commit ---- */

/* On a batch writer thread, or within fm_batch_writer_post. */
static void wake_request(struct fm_batch_writer_task *task)
{
    struct batch *batch = task->context;
    fm_suspend_wake(batch->wait);
}

/* Asked by the batch writer before it tries a database that does not answer once more. */
static bool may_go_on(const struct fm_batch_writer_task *task)
{
    const struct batch *batch = task->context;
    return !fm_http_is_closing(batch->exchange);
}

static enum fm_step write_batch(struct fm_request *request)
{
    struct batch *batch = request->act;
    request->batch = fm_id_new();
    batch->task = (struct fm_batch_writer_task){.kind = FM_BATCH_WRITER_ADD,
                                                .batch = request->batch,
                                                .account = request->lookup.key_account,
                                                .key = request->lookup.key_id,
                                                .first = fm_id_series_new(),
                                                .file = batch->file,
                                                .may_go_on = may_go_on,
                                                .done = wake_request,
                                                .context = batch};
    request->stage = STAGE_WRITING;
    fm_suspend_begin(&request->wait, request->exchange);
    fm_batch_writer_post(request->front->batch_writer, &batch->task);
    return FM_STEP_WAIT;
}

/* The queued limit is judged only now, when the number of jobs is known. */
static enum fm_step admit_batch(struct fm_request *request)
{
    const struct batch *batch = request->act;
    struct fm_error err = {0};
    if (fm_queued_limit_count(request) == FM_STEP_WAIT) {
        return FM_STEP_WAIT;
    }
    return fm_queued_limit_admit(request->front->queued_limit, &request->lookup,
                                 fm_batch_file_count(batch->file), &err)
               ? write_batch(request)
               : fm_reply_error(request, &err);
}

static enum fm_step finish_body(struct fm_request *request)
{
    struct batch *batch = request->act;
    struct fm_error err = {0};
    if (!fm_batch_lines_end(&batch->lines, &err)) {
        return refuse_batch(request, &err);
    }
    if (fm_batch_file_count(batch->file) == 0) {
        fm_fail_param(&err, FM_MISSING_PARAMETER, "jobs", "A batch needs at least one job");
        return fm_reply_error(request, &err);
    }
    request->stage = STAGE_KEY_CHECK;
    return fm_lookup_start(request, &request->job);
}

/* The body may have taken minutes, so the key is checked again. */
static enum fm_step check_key(struct fm_request *request)
{
    struct fm_error err = {0};
    if (!fm_lookup_is_known(request, &err)) {
        return fm_reply_error(request, &err);
    }
    request->stage = STAGE_COUNTING;
    return admit_batch(request);
}

static enum fm_step reply_accepted(struct fm_request *request)
{
    const struct batch *batch = request->act;
    int64_t jobs = (int64_t)fm_batch_file_count(batch->file);
    struct fm_batch_view view = {.id = request->batch, .jobs = jobs, .queued = jobs};
    char id[FM_ID_TEXT_SIZE], location[64];
    fm_id_format(FM_ID_BATCH, &request->batch, id);
    snprintf(location, sizeof(location), "/v1/batches/%s", id);
    fm_http_header(request->exchange, "Location", location);
    return fm_batch_get_reply(request, &view, 202);
}

/* The queue does not know of jobs that came this way; the nudge makes it read them at once. */
static enum fm_step reply_written(struct fm_request *request)
{
    struct batch *batch = request->act;
    struct fm_error err = {0};
    if (batch->task.failure == FM_NONE) {
        fm_dispatch_nudge(request->front->dispatch);
        return reply_accepted(request);
    }
    fm_fail(&err, batch->task.failure, "batch: not committed");
    return fm_reply_error(request, &err);
}

enum fm_step fm_batch_act(struct fm_request *request)
{
    static enum fm_step (*const stages[])(struct fm_request *) = {[STAGE_START] = start_batch,
                                                                  [STAGE_RECEIVING] = finish_body,
                                                                  [STAGE_KEY_CHECK] = check_key,
                                                                  [STAGE_COUNTING] = admit_batch,
                                                                  [STAGE_WRITING] = reply_written};
    return stages[request->stage](request);
}
