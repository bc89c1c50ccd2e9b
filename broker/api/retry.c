/*
 * Retries a job: creates a new job with the same spec, whose `retry_of` names the old job. The key
 * needs the scopes that creating the old job requires.
 * Before: a request whose lookup has the job. After: as in submit.c, or 409 if the old job has not
 * ended.
 */
#include "broker/api/act.h"
#include "broker/api/job_view.h"
#include "broker/config/allow.h"
#include "broker/request/reply.h"
#include "broker/request/request.h"
#include "broker/spec/check.h"
#include "common/clock.h"
#include "common/log.h"

/* The spec is checked like one that is posted now: an address or a site that was allowed then may
 * not be allowed any more. */
static bool copy_spec(struct fm_request *request, struct fm_error *err)
{
    FM_AUTO(fm_address_policy_done) struct fm_address_policy policy = {0};
    struct fm_job_view job;
    if (!fm_job_view_read(&request->lookup.found, &request->arena, &job, err)) {
        return false;
    }
    struct fm_validate_input input = {
        .type = (enum fm_type)job.spec.type,
        .site = fm_site_name((enum fm_site)job.spec.site),
        .scopes = request->lookup.scopes,
        .policy = &policy,
        .now_ms = fm_clock_wall_us() / 1000,
    };
    if (!fm_allow_read(request->front->settings, &policy, err)) {
        fm_log_failure("allow_list_unread", err);
    }
    request->asked.spec = job.spec;
    return fm_check_spec(&input, &request->arena, &request->asked.spec, err);
}

static bool may_retry(struct fm_request *request, struct fm_error *err)
{
    return fm_job_view_check_scope(request, err) &&
           (fm_state_is_ended(request->lookup.found.state) ||
            fm_fail(err, FM_JOB_NOT_FINISHED, "retry: not ended"));
}

enum fm_step fm_retry_act(struct fm_request *request)
{
    struct fm_error err = {0};
    if (request->stage == 0 && (!may_retry(request, &err) || !copy_spec(request, &err))) {
        return fm_reply_error(request, &err);
    }
    return fm_submit_act(request);
}
