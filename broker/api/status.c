/* Who am I; is the process alive, is the service ready; what the API is. */
#include "broker/api/status.h"
#include "broker/api/act.h"
#include "broker/api/openapi.h"
#include "broker/config/account_plan.h"
#include "broker/request/reply.h"
#include "common/json.h"
#include "common/scope.h"

static void put_limit(struct fm_json_writer *json, const char *name, uint64_t value)
{
    if (value > 0) {
        fm_json_put_integer(json, name, (int64_t)value);
    } else {
        fm_json_put_null(json, name);
    }
}

/* An operator's account has no limits: null is "none". */
static void put_limits(struct fm_json_writer *json, const struct fm_reader_lookup *look)
{
    static const struct fm_account_plan unlimited = {.name = "operator"};
    const struct fm_account_plan *plan =
        look->is_operator ? &unlimited : fm_account_plan_find(look->plan);
    fm_json_open(json, "limits", '{');
    put_limit(json, "requests_per_60_seconds", plan->requests);
    put_limit(json, "running_jobs", plan->running_jobs);
    put_limit(json, "queued_jobs", plan->queued_jobs);
    put_limit(json, "output_minutes_per_month", plan->output_minutes);
    put_limit(json, "source_bytes", plan->source_bytes);
    put_limit(json, "source_seconds", plan->source_seconds);
    put_limit(json, "stored_bytes", plan->stored_bytes);
    fm_json_close(json, '}');
}

static void put_account(struct fm_json_writer *json, const struct fm_reader_lookup *look)
{
    char id[FM_ID_TEXT_SIZE];
    fm_id_format(FM_ID_ACCOUNT, &look->key_account, id);
    fm_json_open(json, "account", '{');
    fm_json_put_text(json, "id", id);
    fm_json_put_text(json, "name", look->account_name);
    fm_json_put_text(json, "plan", look->plan);
    fm_json_put_bool(json, "operator", look->is_operator);
    fm_json_close(json, '}');
}

static void put_key(struct fm_json_writer *json, const struct fm_reader_lookup *look)
{
    char id[FM_ID_TEXT_SIZE];
    fm_id_format(FM_ID_KEY, &look->key_id, id);
    fm_json_open(json, "key", '{');
    fm_json_put_text(json, "id", id);
    fm_json_put_text(json, "name", look->key_name);
    fm_json_put_text(json, "last4", look->key_last4);
    fm_scope_put(json, look->scopes);
    fm_json_put_time(json, "expires_at", look->key_expires_at_us);
    fm_json_close(json, '}');
}

enum fm_step fm_status_me_act(struct fm_request *request)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    struct fm_json_writer json = {.out = &body};
    fm_json_open(&json, NULL, '{');
    fm_json_put_text(&json, "object", "me");
    put_account(&json, &request->lookup);
    put_key(&json, &request->lookup);
    put_limits(&json, &request->lookup);
    fm_json_open(&json, "jobs", '{');
    fm_json_put_integer(&json, "queued", (int64_t)request->lookup.queued_jobs);
    fm_json_put_integer(&json, "running", (int64_t)request->lookup.running_jobs);
    fm_json_close(&json, '}');
    fm_json_close(&json, '}');
    return fm_reply_json(request, 200, &body);
}

enum fm_step fm_status_health_act(struct fm_request *request)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    fm_text_append(&body, "{\"status\":\"ok\"}");
    return fm_reply_json(request, 200, &body);
}

bool fm_status_write_ready(struct fm_reader *reader, struct fm_dispatch *dispatch, bool drains,
                           struct fm_text *out)
{
    struct fm_json_writer json = {.out = out};
    bool reads = fm_reader_is_ready(reader), dispatches = fm_dispatch_is_ready(dispatch);
    bool is_ready = reads && dispatches && !drains;
    const char *status = is_ready ? "ready" : "unavailable";
    fm_json_open(&json, NULL, '{');
    fm_json_put_text(&json, "status", drains ? "draining" : status);
    fm_json_put_bool(&json, "reader", reads);
    fm_json_put_bool(&json, "queue", dispatches);
    fm_json_put_integer(&json, "workers", fm_dispatch_workers(dispatch));
    fm_json_close(&json, '}');
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
