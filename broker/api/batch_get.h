/* A batch as it is now, as the end of an act: its count is asked for, then answered with. */
#ifndef FM_BROKER_API_BATCH_GET_H
#define FM_BROKER_API_BATCH_GET_H

#include "broker/api/batch_view.h"
#include "broker/request/request.h"

/* Reads the batch's id out of the path into request->batch; false: there is no such batch. */
bool fm_batch_get_name(struct fm_request *request);
/* Asks for so many of the account's batches, those from `from` up to `upto`, newest first, each
 * with its count: rows for fm_batch_view_read. */
void fm_batch_get_ask_range(struct fm_request *request, const struct fm_id *upto,
                            const struct fm_id *from, size_t rows);
/* Asks for the count of request->batch; the step answers WAIT. */
void fm_batch_get_ask(struct fm_request *request);
/* Once the answer is there: 200 and the batch, or why not. */
enum fm_step fm_batch_get_answer(struct fm_request *request);
enum fm_step fm_batch_get_reply(struct fm_request *request, const struct fm_batch_view *batch,
                                unsigned status);
/* 404. */
enum fm_step fm_batch_get_missing(struct fm_request *request);

#endif
