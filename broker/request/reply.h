/*
 * What every reply has in common: the JSON envelope of an error, the request's id, CORS, caching.
 * After: a reply set on the exchange.
 */
#ifndef FM_BROKER_REQUEST_REPLY_H
#define FM_BROKER_REQUEST_REPLY_H

#include "broker/request/request.h"

/* The error envelope (pure). invalid_token and rate_limit_exceeded have exactly the documented
 * members. */
void fm_reply_error_body(const struct fm_error *err, const char *request_id, const char *base,
                         unsigned retry_after_seconds, struct fm_text *out);
/* The status a request answers with for that error. */
unsigned fm_reply_status(enum fm_error_code code);

/* Each answers FM_STEP_REPLY. The body's memory is taken. */
enum fm_step fm_reply_json(struct fm_request *request, unsigned status, struct fm_text *body);
enum fm_step fm_reply_error(struct fm_request *request, const struct fm_error *err);
/* No body: 204, 304. */
enum fm_step fm_reply_empty(struct fm_request *request, unsigned status);
/* Headers that every reply carries, also one with a file. */
void fm_reply_headers(struct fm_request *request);

#endif
