/* The acts of route.def, each in the file of its name: one step of a request that ends in a reply.
 */
#ifndef FM_BROKER_API_ACT_H
#define FM_BROKER_API_ACT_H

#include "broker/request/route.h"

/* submit.c: a spec becomes a job; 202 after its commit. */
enum fm_step fm_submit_act(struct fm_request *request);
/* poll.c: a job as it is, or as it is once it changed. */
enum fm_step fm_poll_act(struct fm_request *request);
/* list.c: pages of jobs. */
enum fm_step fm_list_jobs_act(struct fm_request *request);
enum fm_step fm_list_batch_jobs_act(struct fm_request *request);
/* cancel.c */
enum fm_step fm_cancel_act(struct fm_request *request);
/* delete.c: its record and its outputs. */
enum fm_step fm_delete_act(struct fm_request *request);
/* retry.c: a new job of the same spec. */
enum fm_step fm_retry_act(struct fm_request *request);
/* batch.c, batch_get.c, batch_list.c, batch_cancel.c: many jobs asked for at once. */
enum fm_step fm_batch_act(struct fm_request *request);
enum fm_step fm_batch_get_act(struct fm_request *request);
enum fm_step fm_batch_list_act(struct fm_request *request);
enum fm_step fm_batch_cancel_act(struct fm_request *request);
/* download.c: bytes of an output, by key or by signed URL. */
enum fm_step fm_download_output_act(struct fm_request *request);
enum fm_step fm_download_file_act(struct fm_request *request);
/* upload.c: a worker's PUT into the store. */
enum fm_step fm_upload_act(struct fm_request *request);
/* status.c */
enum fm_step fm_status_me_act(struct fm_request *request);
enum fm_step fm_status_health_act(struct fm_request *request);
enum fm_step fm_status_ready_act(struct fm_request *request);
enum fm_step fm_status_openapi_act(struct fm_request *request);

#endif
