/*
 * A request's reads from the database, one at a time: its lookup (the key, and a job), or a
 * statement of the act's own. Each read suspends the request until its result is there.
 * Owns: the results, until the next read or the request's end. Threads: the request's front thread;
 * results arrive on a reader thread, which only wakes.
 */
#ifndef FM_BROKER_REQUEST_LOOKUP_H
#define FM_BROKER_REQUEST_LOOKUP_H

#include "broker/request/request.h"

/* Starts the request's lookup, for the first time or again: the key by its digest, and `job` unless
 * zero. Returns WAIT; `request->lookup` holds the result when the step runs again. A repeated
 * lookup frees the result of the one before. */
enum fm_step fm_lookup_start(struct fm_request *request, const struct fm_id *job);
/* Starts a statement (static text from sql/); its parameters are copied. Returns WAIT;
 * `request->query` then holds the rows, or the failure, until the next statement. */
enum fm_step fm_lookup_query(struct fm_request *request, const struct fm_db_call *call);
/* After a lookup: true if its key is valid. UNAVAILABLE if the database gave no result;
 * INVALID_TOKEN if the key is unknown, expired or revoked. A lookup without a key, as for a signed
 * URL, is always valid. */
bool fm_lookup_is_known(const struct fm_request *request, struct fm_error *err) FM_MUST_CHECK;
/* Frees the memory that the lookup's result points at (the job's texts and bytes); its numbers
 * stay. A long-poll calls this before it sleeps. */
void fm_lookup_forget(struct fm_request *request);
/* Frees the results of all reads, when the request ends. */
void fm_lookup_done(struct fm_request *request);

#endif
