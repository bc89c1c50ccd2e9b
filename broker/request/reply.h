/*
 * Sets a request's reply: JSON, an error in the one envelope, or no body, with the headers that all
 * replies share (request id, CORS, caching). This is also where an error stops travelling: those of
 * status 500 and up are logged here.
 * Before: an act or a step that has its result. After: a reply set on the exchange.
 * Threads: the request's front thread.
 */
#ifndef FM_BROKER_REQUEST_REPLY_H
#define FM_BROKER_REQUEST_REPLY_H

#include "broker/request/request.h"

/* Appends the error envelope (pure). `base` makes the absolute doc_url. The bodies of invalid_token
 * and rate_limit_exceeded have exactly the documented members, and no others. An error whose cause
 * is on our side shows its row's public text, never the detail. */
void fm_reply_error_body(const struct fm_error *err, const char *request_id, const char *base,
                         unsigned retry_after_seconds, struct fm_text *out);
/* The HTTP status for this error; 500 for a code that only jobs can fail with. */
unsigned fm_reply_status(enum fm_error_code code);

/* ---- each returns FM_STEP_REPLY, for the step to return ---- */

/* Takes ownership of the body's memory. */
enum fm_step fm_reply_json(struct fm_request *request, unsigned status, struct fm_text *body);
enum fm_step fm_reply_error(struct fm_request *request, const struct fm_error *err);
/* For statuses without a body: 204, 303, 304. */
enum fm_step fm_reply_empty(struct fm_request *request, unsigned status);

/* Sets the headers that every reply carries. The functions above do so themselves; only a reply
 * with a file needs this call. */
void fm_reply_headers(struct fm_request *request);

#endif
