/*
 * Reads a batch with its counts and replies with it: GET of a batch, and the end of every other act
 * that shows one. Before: a request with its key. After: a reply with the batch object.
 * Threads: the request's front thread.
 */
#ifndef FM_BROKER_API_BATCH_GET_H
#define FM_BROKER_API_BATCH_GET_H

#include "broker/api/batch_view.h"
#include "broker/request/request.h"

/* Reads the batch's id from the path into request->batch. False if that is no batch's id. */
bool fm_batch_get_name(struct fm_request *request);
/* Starts the query for up to `rows` of the account's batches with ids between `from` and `upto`,
 * newest first, each with its counts: rows for fm_batch_view_read. The step must return WAIT. */
void fm_batch_get_ask_range(struct fm_request *request, const struct fm_id *upto,
                            const struct fm_id *from, size_t rows);
/* Starts the query for the counts of request->batch. The step must return WAIT. */
void fm_batch_get_ask(struct fm_request *request);
/* Once the result is there: replies with 200 and the batch, 404, or 503, and updates the cache. */
enum fm_step fm_batch_get_answer(struct fm_request *request);
/* Replies with a batch that the caller has. */
enum fm_step fm_batch_get_reply(struct fm_request *request, const struct fm_batch_view *batch,
                                unsigned status);
/* Replies with 404. */
enum fm_step fm_batch_get_missing(struct fm_request *request);

#endif
