/* Replies: JSON whatever Accept says, one envelope for all errors. */
#include "broker/request/reply.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/log.h"

#define RETRY_SECONDS 1u /* 503 */
#define RATE_SECONDS 60u /* 429 */

static const struct fm_error_row *row_of(enum fm_error_code code)
{
    const struct fm_error_row *row = fm_error_row(code);
    return row->http_status != 0 ? row : fm_error_row(FM_INTERNAL);
}

unsigned fm_reply_status(enum fm_error_code code)
{
    return (unsigned)row_of(code)->http_status;
}

/* How it went is ours alone to know when the fault is ours. */
static const char *text_of(const struct fm_error *err)
{
    const struct fm_error_row *row = row_of(err->code);
    bool is_ours = row->http_status >= 500 || row->code != err->code;
    return is_ours ? row->text : fm_error_text(err);
}

static void put_details(struct fm_json_writer *json, const struct fm_error *err,
                        const char *request_id, const char *base, unsigned retry_after_seconds)
{
    FM_AUTO(fm_text_done) struct fm_text doc = {0};
    if (err->param[0] != '\0') {
        fm_json_put_text(json, "param", err->param);
    }
    if (err->line > 0) {
        fm_json_open(json, "details", '{');
        fm_json_put_integer(json, "line", err->line);
        fm_json_close(json, '}');
    }
    if (retry_after_seconds > 0) {
        fm_json_put_integer(json, "retry_after", retry_after_seconds);
    }
    fm_json_put_text(json, "request_id", request_id);
    /* A pointer into the served description, which lists every code. */
    fm_text_format(&doc, "%s/openapi.json#/x-errors/%s", base, row_of(err->code)->public_code);
    fm_json_put_text(json, "doc_url", fm_text_get(&doc));
}

void fm_reply_error_body(const struct fm_error *err, const char *request_id, const char *base,
                         unsigned retry_after_seconds, struct fm_text *out)
{
    struct fm_json_writer json = {.out = out};
    fm_json_open(&json, NULL, '{');
    fm_json_open(&json, "error", '{');
    fm_json_put_text(&json, "code", row_of(err->code)->public_code);
    if (err->code == FM_RATE_LIMIT_EXCEEDED) {
        char message[96];
        snprintf(message, sizeof(message), "Too many requests. Retry after %u seconds",
                 retry_after_seconds);
        fm_json_put_text(&json, "message", message);
        fm_json_put_integer(&json, "retry_after", retry_after_seconds);
    } else {
        fm_json_put_text(&json, "message", text_of(err));
    }
    if (err->code != FM_INVALID_TOKEN && err->code != FM_RATE_LIMIT_EXCEEDED) {
        put_details(&json, err, request_id, base, retry_after_seconds);
    }
    fm_json_close(&json, '}');
    fm_json_close(&json, '}');
}

void fm_reply_headers(struct fm_request *request)
{
    struct fm_http_exchange *exchange = request->exchange;
    /* A head that was refused names no path; a browser may read why all the same. */
    bool is_open = request->target.segment_count == 0 || fm_gate_is_api(&request->target);
    fm_http_header(exchange, "X-Request-Id", request->id);
    fm_http_header(exchange, "X-Content-Type-Options", "nosniff");
    if (is_open) {
        fm_http_header(exchange, "Access-Control-Allow-Origin", "*");
        fm_http_header(exchange, "Access-Control-Expose-Headers",
                       "Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, ETag, "
                       "Content-Disposition, Content-Range");
    }
}

enum fm_step fm_reply_json(struct fm_request *request, unsigned status, struct fm_text *body)
{
    fm_reply_headers(request);
    fm_http_header(request->exchange, "Content-Type", "application/json");
    fm_http_header(request->exchange, "Cache-Control", "no-store");
    fm_http_reply(request->exchange, status, body);
    return FM_STEP_REPLY;
}

enum fm_step fm_reply_empty(struct fm_request *request, unsigned status)
{
    struct fm_text nothing = {0};
    fm_reply_headers(request);
    fm_http_reply(request->exchange, status, &nothing);
    return FM_STEP_REPLY;
}

static unsigned retry_after(const struct fm_request *request, unsigned status)
{
    unsigned standard = status == 429 ? RATE_SECONDS : status == 503 ? RETRY_SECONDS : 0;
    return request->retry_after_seconds > 0 ? request->retry_after_seconds : standard;
}

enum fm_step fm_reply_error(struct fm_request *request, const struct fm_error *err)
{
    struct fm_text body = {0};
    unsigned status = fm_reply_status(err->code);
    unsigned seconds = retry_after(request, status);
    if (status >= 500) {
        fm_log(FM_LOG_WARNING, "request_failed", "request=%s error=%s detail=\"%s\"", request->id,
               fm_error_row(err->code)->public_code, err->detail);
    }
    if (seconds > 0) {
        char text[16];
        snprintf(text, sizeof(text), "%u", seconds);
        fm_http_header(request->exchange, "Retry-After", text);
    }
    if (status == 401) {
        fm_http_header(request->exchange, "WWW-Authenticate", "Bearer error=\"invalid_token\"");
    }
    fm_reply_error_body(err, request->id, request->base, seconds, &body);
    return fm_reply_json(request, status, &body);
}
