/*
 * GET of a job, and the long-poll that all replies with a job share: see poll.h.
 * Before: a request whose lookup has the job. After: the job object, 303 to its file, or 304.
 */
#include "broker/api/poll.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/api/act.h"
#include "broker/api/job_view.h"
#include "broker/api/position.h"
#include "broker/http/range.h"
#include "broker/queue/dispatch.h"
#include "broker/queue/watch.h"
#include "broker/request/lookup.h"
#include "broker/request/reply.h"
#include "common/clock.h"

enum stage { STAGE_START, STAGE_LOOKUP, STAGE_WAITING };

/* One long-poll. */
struct wait {
    struct fm_watch *watch;
    struct fm_watch_entry entry;
    struct fm_http_exchange *exchange;
    atomic_bool is_reported; /* the watch has called `changed`: the entry is ours again */
    bool is_watching;
    enum stage stage;
    enum fm_state first; /* the state the client knows by its tag, else that of the first read */
    bool has_first;
    int64_t until_ms; /* the end of the wait, on fm_clock_ms */
};

/* ---- the reply ---- */

static void put_headers(struct fm_request *request, const struct fm_job_view *job, const char *tag)
{
    fm_http_header(request->exchange, "ETag", tag);
    if (!fm_state_is_ended(job->row->state)) {
        char seconds[16];
        snprintf(seconds, sizeof(seconds), "%u", fm_job_view_retry_after(job));
        fm_http_header(request->exchange, "Retry-After", seconds);
    }
}

enum fm_step fm_poll_reply(struct fm_request *request, const struct fm_reader_job *row,
                           unsigned status)
{
    struct fm_error err = {0};
    struct fm_job_view job;
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    char tag[FM_JOB_VIEW_TAG_SIZE];
    if (!fm_job_view_read(row, &request->arena, &job, &err)) {
        return fm_reply_error(request, &err);
    }
    fm_job_view_explain(&job, fm_dispatch_reason(request->front->dispatch));
    fm_job_view_write(&job, request->front->signed_url, request->base, fm_clock_wall_us(), &body);
    fm_job_view_tag(row->state, (struct fm_slice){body.data, body.length}, tag);
    put_headers(request, &job, tag);
    const char *known = fm_http_find(request->exchange, "if-none-match");
    bool is_get = strcmp(request->route->method, "GET") == 0;
    if (is_get && known != NULL && fm_range_tag_matches(known, tag)) {
        return fm_reply_empty(request, 304);
    }
    return fm_reply_json(request, status, &body);
}

/* Replies with 303 to the first output if the client asked for a download and there is an output;
 * else with the job. */
static enum fm_step reply_ended(struct fm_request *request)
{
    struct fm_error err = {0};
    struct fm_job_view job;
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    const struct fm_reader_job *row = &request->lookup.found;
    if (!request->asked.wants_download) {
        return fm_poll_reply(request, row, 200);
    }
    if (!fm_job_view_read(row, &request->arena, &job, &err)) {
        return fm_reply_error(request, &err);
    }
    if (!fm_job_view_first_url(&job, request->front->signed_url, request->base, fm_clock_wall_us(),
                               &url)) {
        return fm_poll_reply(request, row, 200);
    }
    fm_http_header(request->exchange, "Location", fm_text_get(&url));
    return fm_reply_empty(request, 303);
}

/* ---- the wait ---- */

/* Called by the watch, on the thread that reports the change. */
static void report_change(struct fm_watch_entry *entry)
{
    struct wait *wait = entry->context;
    struct fm_http_exchange *exchange = wait->exchange;
    atomic_store(&wait->is_reported, true); /* after this, `wait` may be freed at any time */
    fm_http_nudge(exchange);                /* has no effect on an exchange that awaits a lookup */
    fm_http_release(exchange);
}

static void watch_on(struct fm_request *request, struct wait *wait)
{
    wait->entry =
        (struct fm_watch_entry){.job = request->job, .changed = report_change, .context = wait};
    atomic_store(&wait->is_reported, false);
    wait->is_watching = true;
    fm_http_hold(wait->exchange);
    fm_watch_add(wait->watch, &wait->entry);
}

/* When this returns, the entry is ours again: it was removed from the watch, or `changed` has been
 * called and no longer uses it. The exchange's hold is released in either case, here or in
 * report_change(). */
static void watch_off(struct wait *wait)
{
    if (!wait->is_watching) {
        return;
    }
    wait->is_watching = false;
    if (fm_watch_remove(wait->watch, &wait->entry)) {
        fm_http_release(wait->exchange);
        return;
    }
    while (!atomic_load(&wait->is_reported)) {
        sched_yield(); /* another thread is within the first few instructions of report_change() */
    }
}

static void wait_done(struct fm_request *request)
{
    struct wait *wait = request->act;
    watch_off(wait);
    free(wait);
    request->act = NULL;
}

/* The request's wait, made at the first call. */
static struct wait *wait_of(struct fm_request *request)
{
    if (request->act == NULL) {
        struct wait *wait = fm_alloc(sizeof(*wait));
        int seconds = request->asked.wait_seconds;
        wait->watch = request->front->watch;
        wait->exchange = request->exchange;
        wait->until_ms = fm_clock_ms() + (seconds > 0 ? seconds : 0) * INT64_C(1000);
        const char *known = fm_http_find(request->exchange, "if-none-match");
        wait->has_first = known != NULL && fm_job_view_tag_state(known, &wait->first);
        request->act = wait;
        request->act_done = wait_done;
    }
    return request->act;
}

/* The entry is added to the watch before the job is read, so that no change can fall between the
 * two unnoticed. */
static enum fm_step look_up(struct fm_request *request, struct wait *wait)
{
    watch_off(wait);
    watch_on(request, wait);
    wait->stage = STAGE_LOOKUP;
    return fm_lookup_start(request, &request->job);
}

/* When the next change comes that the watch does not report: the key expires, or a scheduled job
 * becomes due. On fm_clock_ms. */
static int64_t unwatched_change_ms(const struct fm_reader_lookup *lookup)
{
    bool is_scheduled = lookup->found.state == FM_STATE_SCHEDULED;
    int64_t key_us = lookup->key_expires_at_us, at_us = is_scheduled ? lookup->found.run_at_us : 0;
    if (at_us == 0 || (key_us != 0 && key_us < at_us)) {
        at_us = key_us;
    }
    /* A millisecond later, so that the database's clock agrees. */
    return at_us == 0 ? FM_CLOCK_NEVER : fm_clock_ms() + (at_us - fm_clock_wall_us()) / 1000 + 1;
}

/* Sleeps until the watch reports a change or the time comes. The memory of the job just read is
 * given back first: thousands of requests may sleep here. */
static enum fm_step sleep_on(struct fm_request *request, struct wait *wait)
{
    bool is_running = request->lookup.found.state == FM_STATE_RUNNING;
    int64_t until_ms = unwatched_change_ms(&request->lookup);
    fm_watch_know(wait->watch, &wait->entry, is_running ? FM_WATCH_RUNNING : FM_WATCH_WAITING);
    fm_lookup_forget(request);
    wait->stage = STAGE_WAITING;
    fm_http_wait(request->exchange, until_ms < wait->until_ms ? until_ms : wait->until_ms);
    if (atomic_load(&wait->is_reported)) {
        fm_http_resume(request->exchange);
    }
    return FM_STEP_WAIT;
}

/* True once the reply is due: the awaited state is there, the time is up, the broker is closing, or
 * the client has left. */
static bool is_over(struct fm_request *request, struct wait *wait, enum fm_poll_until until)
{
    enum fm_state state = request->lookup.found.state;
    bool is_changed = until == FM_POLL_CHANGE && wait->has_first && state != wait->first;
    wait->first = wait->has_first ? wait->first : state;
    wait->has_first = true;
    return fm_state_is_ended(state) || is_changed || fm_clock_ms() >= wait->until_ms ||
           fm_http_is_closing(request->exchange) || fm_http_has_left(request->exchange);
}

/* After a lookup. A key that was revoked during the wait ends it with 401. */
static enum fm_step judge_lookup(struct fm_request *request, struct wait *wait,
                                 enum fm_poll_until until, unsigned status)
{
    struct fm_error err = {0};
    if (!fm_lookup_is_known(request, &err)) {
        return fm_reply_error(request, &err);
    }
    if (!request->lookup.has_job) {
        fm_fail_param(&err, FM_NOT_FOUND, NULL, "No such job");
        return fm_reply_error(request, &err);
    }
    if (is_over(request, wait, until)) {
        if (fm_position_find(request) == FM_STEP_WAIT) {
            return FM_STEP_WAIT;
        }
        bool has_ended = fm_state_is_ended(request->lookup.found.state);
        return has_ended ? reply_ended(request)
                         : fm_poll_reply(request, &request->lookup.found, status);
    }
    return wait->is_watching ? sleep_on(request, wait) : look_up(request, wait);
}

enum fm_step fm_poll_wait(struct fm_request *request, enum fm_poll_until until, unsigned status)
{
    struct wait *wait = wait_of(request);
    /* The lookup of a POST was made before its job existed, so the job is read first. */
    bool is_new = wait->stage == STAGE_START && until == FM_POLL_END;
    if (is_new || wait->stage == STAGE_WAITING) {
        return look_up(request, wait);
    }
    return judge_lookup(request, wait, until, status);
}

enum fm_step fm_poll_act(struct fm_request *request)
{
    /* With ?download= the client wants the file, which is there only at the end. */
    return fm_poll_wait(request, request->asked.wants_download ? FM_POLL_END : FM_POLL_CHANGE, 200);
}
