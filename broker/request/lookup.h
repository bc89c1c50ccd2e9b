/*
 * What a request asks the reader, one question at a time: its lookup (the key again, and a job), or
 * a statement of its own. Each suspends the request until the answer is there.
 * Threads: a front thread; the answer comes on a reader thread, which only wakes.
 */
#ifndef FM_BROKER_REQUEST_LOOKUP_H
#define FM_BROKER_REQUEST_LOOKUP_H

#include "broker/request/request.h"

/* Starts the request's lookup, or starts it again: the key, and `job` unless zero. Returns WAIT;
 * `request->lookup` is answered when the step runs again. */
enum fm_step fm_lookup_start(struct fm_request *request, const struct fm_id *job);
/* Starts a statement of the request's own (static text from sql/); parameters are copied. Returns
 * WAIT; `request->query` then has the rows, or why there are none, until the next statement. */
enum fm_step fm_lookup_query(struct fm_request *request, const struct fm_db_call *call);
/* Judges an answered lookup: UNAVAILABLE, INVALID_TOKEN. */
bool fm_lookup_is_known(const struct fm_request *request, struct fm_error *err) FM_MUST_CHECK;
/* Frees what the lookup's answer points at (the job's texts and bytes); its numbers stay. */
void fm_lookup_forget(struct fm_request *request);
/* Frees what all answers hold: the request ends. */
void fm_lookup_done(struct fm_request *request);

#endif
