/*
 * What passes between an attempt's children and the broker: checked, given its ids, encoded anew.
 */
#ifndef FM_WORKER_RELAY_H
#define FM_WORKER_RELAY_H

#include "worker/job.h"

/* Keeps what a child told; it leaves at most twice a second (fm_relay_tick). */
void fm_relay_note_progress(struct fm_job_attempt *attempt, const struct fm_progress *progress);
/* Sends progress that is due; answers when it wants to be called again. */
int64_t fm_relay_tick(struct fm_job_attempt *attempt, int64_t now_ms);
/* transfer → broker. Lost when there is none: transfer asks again. False for a file that is not one
 * of the attempt's outputs. */
bool fm_relay_want_upload(struct fm_job_attempt *attempt, const struct fm_want_upload *want);
/* broker → transfer. */
void fm_relay_upload(struct fm_job_attempt *attempt, const struct fm_upload *upload);
void fm_relay_origins(struct fm_job_attempt *attempt);
void fm_relay_result(struct fm_job_attempt *attempt);

#endif
