/*
 * What a request asks the reader, one thing at a time: its key and job anew, or a statement of its
 * own. The request is suspended before and woken by the answer. Threads: a front thread; the answer
 * comes on a reader thread and only wakes.
 */
#ifndef FM_BROKER_REQUEST_LOOKUP_H
#define FM_BROKER_REQUEST_LOOKUP_H

#include "broker/request/request.h"

/* Starts the request's look-up (anew): the key again, and `job` unless zero. The step answers WAIT
 * until fm_lookup_is_waiting is false; `request->look` is then answered. */
void fm_lookup_start(struct fm_request *request, const struct fm_id *job);
/* Starts a statement of its own (static text from sql/). Parameters are copied. Its rows, or why
 * there are none, are then in `request->query`, the rows the request's until the next one. */
void fm_lookup_query(struct fm_request *request, const struct fm_db_call *call);
/* True while the answer is to come; the request is suspended again, and the step answers WAIT. */
bool fm_lookup_is_waiting(struct fm_request *request);
/* Judges an answered look-up: UNAVAILABLE, INVALID_TOKEN. */
bool fm_lookup_is_known(const struct fm_request *request, struct fm_error *err) FM_MUST_CHECK;
/* Frees what the look-up's answer points at (the job's texts and bytes); its numbers stay. */
void fm_lookup_forget(struct fm_request *request);
/* Frees what the answers hold: the request ends. */
void fm_lookup_done(struct fm_request *request);

#endif
