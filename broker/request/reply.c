/* Replies: always JSON, whatever Accept asks for, and one envelope for all errors: see reply.h. */
#include "broker/request/reply.h"

#include <stdio.h>

#include "broker/request/envelope.h"
#include "common/log.h"

/* Retry-After where the request has no better value. */
#define RETRY_SECONDS 1u /* 503: a short outage, such as a restart of the database */
#define RATE_SECONDS 60u /* 429 */

/* A code without a status of its own must not reach a client; it is shown as an internal error. */
static const struct fm_error_row *row_of(enum fm_error_code code)
{
    const struct fm_error_row *row = fm_error_row(code);
    return row->http_status != 0 ? row : fm_error_row(FM_INTERNAL);
}

unsigned fm_reply_status(enum fm_error_code code)
{
    return (unsigned)row_of(code)->http_status;
}

/* If the fault is ours, the client sees the row's public text; the detail is for the log alone. */
static const char *text_of(const struct fm_error *err)
{
    const struct fm_error_row *row = row_of(err->code);
    bool is_ours = row->http_status >= 500 || row->code != err->code;
    return is_ours ? row->text : fm_error_text(err);
}

/* The members that all errors have, except the two whose bodies are documented exactly. */
static void add_details(const struct fm_error *err, const char *request_id,
                        unsigned retry_after_seconds, struct fm_reply_error_body *body)
{
    body->param = err->param[0] != '\0' ? err->param : NULL;
    body->retry_after = fm_reply_nonzero(retry_after_seconds);
    body->request_id = request_id;
}

void fm_reply_error_body(const struct fm_error *err, const char *request_id, const char *base,
                         unsigned retry_after_seconds, struct fm_text *out)
{
    FM_AUTO(fm_text_done) struct fm_text doc = {0}, message = {0};
    const struct fm_reply_error_details details = {.line = err->line};
    struct fm_reply_error_body body = {.code = row_of(err->code)->public_code,
                                       .message = text_of(err),
                                       .retry_after = FM_REPLY_UNKNOWN};
    if (err->code == FM_RATE_LIMIT_EXCEEDED) {
        fm_text_format(&message, "Too many requests. Retry after %u seconds", retry_after_seconds);
        body.message = fm_text_get(&message);
        body.retry_after = retry_after_seconds;
    } else if (err->code != FM_INVALID_TOKEN) {
        /* The JSON pointer of the code in /openapi.json, which lists every code. */
        fm_text_format(&doc, "%s/openapi.json#/x-errors/%s", base, body.code);
        body.doc_url = fm_text_get(&doc);
        body.details = err->line > 0 ? &details : NULL;
        add_details(err, request_id, retry_after_seconds, &body);
    }
    fm_reply_write_error(&(const struct fm_reply_error){&body}, out);
}

void fm_reply_headers(struct fm_request *request)
{
    struct fm_http_exchange *exchange = request->exchange;
    /* A request that the gate refused has no path; a browser's script may read the reason even so.
     */
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
