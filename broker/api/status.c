/* Replies about the service and the caller: GET /v1/me, /healthz, /readyz and /openapi.json.
 * Before: a request, with its key for /v1/me. After: 200, or 503 if not ready. */
#include "broker/api/status.h"

#include "broker/api/act.h"
#include "broker/api/openapi.h"
#include "broker/api/replies.h"
#include "broker/config/account_plan.h"
#include "broker/request/reply.h"
#include "common/json.h"
#include "common/scope.h"

/* An operator's account has no limits. */
static struct fm_reply_me_limits limits_of(const struct fm_reader_lookup *lookup)
{
    static const struct fm_account_plan unlimited = {.name = "operator"};
    const struct fm_account_plan *plan =
        lookup->is_operator ? &unlimited : fm_account_plan_find(lookup->plan);
    return (struct fm_reply_me_limits){
        .requests_per_60_seconds = fm_reply_nonzero(plan->requests),
        .running_jobs = fm_reply_nonzero(plan->running_jobs),
        .queued_jobs = fm_reply_nonzero(plan->queued_jobs),
        .output_minutes_per_month = fm_reply_nonzero(plan->output_minutes),
        .source_bytes = fm_reply_nonzero(plan->source_bytes),
        .source_seconds = fm_reply_nonzero(plan->source_seconds),
        .stored_bytes = fm_reply_nonzero(plan->stored_bytes),
    };
}

static const char *const *scopes_of(unsigned scopes, struct fm_arena *arena)
{
    size_t count = 0;
    const char **names = fm_arena_alloc(arena, (FM_SCOPE_COUNT + 1) * sizeof(*names));
    for (const struct fm_scope_row *row = fm_scopes; row < fm_scopes + FM_SCOPE_COUNT; row++) {
        if ((scopes & row->bit) != 0) {
            names[count++] = row->name;
        }
    }
    return names;
}

enum fm_step fm_status_me_act(struct fm_request *request)
{
    const struct fm_reader_lookup *lookup = &request->lookup;
    struct fm_text body = {0};
    const struct fm_reply_me_account account = {.id = lookup->key_account,
                                                .name = lookup->account_name,
                                                .plan = lookup->plan,
                                                .operator= lookup->is_operator };
    const struct fm_reply_me_key key = {.id = lookup->key_id,
                                        .name = lookup->key_name,
                                        .last4 = lookup->key_last4,
                                        .scopes = scopes_of(lookup->scopes, &request->arena),
                                        .expires_at = lookup->key_expires_at_us};
    const struct fm_reply_me_limits limits = limits_of(lookup);
    const struct fm_reply_me_jobs jobs = {.queued = (int64_t)lookup->queued_jobs,
                                          .running = (int64_t)lookup->running_jobs};
    const struct fm_reply_me me = {
        .account = &account, .key = &key, .limits = &limits, .jobs = &jobs};
    fm_reply_write_me(&me, &body);
    return fm_reply_json(request, 200, &body);
}

void fm_status_write_health(struct fm_text *out)
{
    fm_reply_write_health(&(const struct fm_reply_health){.status = "ok"}, out);
}

enum fm_step fm_status_health_act(struct fm_request *request)
{
    struct fm_text body = {0};
    fm_status_write_health(&body);
    return fm_reply_json(request, 200, &body);
}

bool fm_status_write_ready(struct fm_reader *reader, struct fm_dispatch *dispatch, bool drains,
                           struct fm_text *out)
{
    bool reads = fm_reader_is_ready(reader), dispatches = fm_dispatch_is_ready(dispatch);
    bool is_ready = reads && dispatches && !drains;
    const char *status = is_ready ? "ready" : "unavailable";
    const struct fm_reply_readiness readiness = {.status = drains ? "draining" : status,
                                                 .reader = reads,
                                                 .queue = dispatches,
                                                 .workers = fm_dispatch_workers(dispatch)};
    fm_reply_write_readiness(&readiness, out);
    return is_ready;
}

enum fm_step fm_status_ready_act(struct fm_request *request)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    bool is_ready = fm_status_write_ready(request->front->reader, request->front->dispatch,
                                          fm_http_is_closing(request->exchange), &body);
    if (!is_ready) {
        fm_http_header(request->exchange, "Retry-After", "1");
    }
    return fm_reply_json(request, is_ready ? 200 : 503, &body);
}

enum fm_step fm_status_openapi_act(struct fm_request *request)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    fm_openapi_write(request->base, &body);
    return fm_reply_json(request, 200, &body);
}
