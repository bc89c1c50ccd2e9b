/*
 * Creates a job from a spec.
 * Before: a validated spec, from a POST or from the job that is retried. After: an ENQUEUE event;
 * once that is committed, 202 with the job, or 200 if the client asked to wait and the job has
 * ended within that time. No client sees a job's id before the job is durable.
 */
#include <stdlib.h>

#include "broker/api/act.h"
#include "broker/api/poll.h"
#include "broker/api/submit.h"
#include "broker/config/account_plan.h"
#include "broker/request/commit.h"
#include "broker/request/queued_limit.h"
#include "broker/request/reply.h"

enum stage { STAGE_START, STAGE_ENQUEUED, STAGE_WAITING };

/* One POST on its way through the queue. The event's slices point in here, so this must live until
 * the commit. */
struct submission {
    struct fm_text packed;
    struct fm_id retry_of;    /* zero: not a retry */
    struct fm_reader_job row; /* as the database has it right after the commit */
};

static void submission_done(struct fm_request *request)
{
    struct submission *submission = request->act;
    fm_text_done(&submission->packed);
    free(submission);
    request->act = NULL;
}

/* The only placement so far is "any". */
const char *fm_submit_pool(const struct fm_spec *spec)
{
    return fm_spec_class(spec) == FM_CLASS_CPU ? "any:cpu" : "any:net";
}

/* `running_limit` is the account's running limit, 0 for none: the queue has no plans, so it travels
 * along. */
static struct fm_queue_event *event_of(const struct fm_request *request,
                                       const struct submission *submission)
{
    const struct fm_spec *spec = &request->asked.spec;
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_ENQUEUE);
    event->account = request->lookup.key_account;
    event->id = request->job;
    event->key = request->lookup.key_id;
    event->retry_of = submission->retry_of;
    event->type = (enum fm_type)spec->type;
    event->site = (unsigned)spec->site;
    event->pool = fm_submit_pool(spec);
    event->lane = (enum fm_priority)spec->priority;
    event->run_at_us = (int64_t)spec->run_at_ms * 1000;
    event->max_tries = (unsigned)spec->max_attempts;
    event->timeout_seconds = (unsigned)spec->timeout_seconds;
    event->expires_seconds = (unsigned)spec->expires_in_seconds;
    event->running_limit =
        fm_account_plan_running(request->lookup.plan, request->lookup.is_operator);
    event->spec = (struct fm_slice){submission->packed.data, submission->packed.length};
    return event;
}

/* The row for the reply is made here, which saves reading it back. */
static void fill_row(const struct fm_request *request, struct submission *submission)
{
    const struct fm_spec *spec = &request->asked.spec;
    submission->row = (struct fm_reader_job){
        .id = request->job,
        .account = request->lookup.key_account,
        .key = request->lookup.key_id,
        .retry_of = submission->retry_of,
        .state = spec->run_at_ms > 0 ? FM_STATE_SCHEDULED : FM_STATE_QUEUED,
        .spec = {submission->packed.data, submission->packed.length},
        .max_attempts = (unsigned)spec->max_attempts,
        .ahead = -1,
        .run_at_us = (int64_t)spec->run_at_ms * 1000,
    };
}

/* For a retry, request->job is the old job until here, and the new job from here on. */
static enum fm_step enqueue(struct fm_request *request)
{
    struct fm_error err = {0};
    struct submission *submission = fm_alloc(sizeof(*submission));
    request->act = submission;
    request->act_done = submission_done;
    if (!fm_queued_limit_admit(request->front->queued_limit, &request->lookup, 1, &err) ||
        !fm_spec_write(&request->asked.spec, &submission->packed, &err)) {
        return fm_reply_error(request, &err);
    }
    submission->retry_of = request->job; /* named by the path */
    request->job = fm_id_new();
    fill_row(request, submission);
    request->stage = STAGE_ENQUEUED;
    fm_commit_post(request, event_of(request, submission));
    return fm_commit_wait(request);
}

static void put_location(struct fm_request *request)
{
    char id[FM_ID_TEXT_SIZE];
    FM_AUTO(fm_text_done) struct fm_text location = {0};
    fm_id_format(FM_ID_JOB, &request->job, id);
    fm_text_format(&location, "/v1/jobs/%s", id);
    fm_http_header(request->exchange, "Location", fm_text_get(&location));
}

/* From here on request->act belongs to poll.c. */
static enum fm_step wait_for_end(struct fm_request *request)
{
    submission_done(request);
    request->act_done = NULL;
    request->stage = STAGE_WAITING;
    return fm_poll_wait(request, FM_POLL_END, 202);
}

static enum fm_step reply_enqueued(struct fm_request *request)
{
    const struct submission *submission = request->act;
    struct fm_error err = {0};
    if (!fm_commit_check(request, &err)) {
        return fm_reply_error(request, &err);
    }
    put_location(request);
    if (request->asked.wait_seconds > 0) {
        return wait_for_end(request);
    }
    return fm_poll_reply(request, &submission->row, 202);
}

enum fm_step fm_submit_act(struct fm_request *request)
{
    switch ((enum stage)request->stage) {
    case STAGE_START:
        return fm_queued_limit_count(request) == FM_STEP_WAIT ? FM_STEP_WAIT : enqueue(request);
    case STAGE_ENQUEUED:
        return reply_enqueued(request);
    default:
        return fm_poll_wait(request, FM_POLL_END, 202);
    }
}
