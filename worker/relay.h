/*
 * Passes messages between an attempt's children and the broker. Nothing is forwarded as bytes: each
 * message is checked, given the attempt's ids (children know none) and encoded anew, so a child can
 * neither name another job nor smuggle a field through. Before: child_message.c or serve.c. After:
 * link.c or child.c. All sends are best effort. Threads: the main thread.
 */
#ifndef FM_WORKER_RELAY_H
#define FM_WORKER_RELAY_H

#include "worker/job.h"

/* Keeps a child's latest progress; fm_relay_tick sends it, at most twice a second. */
void fm_relay_note_progress(struct fm_job_attempt *attempt, const struct fm_progress *progress);
/* Sends progress that is due. Returns when to call it again. */
int64_t fm_relay_tick(struct fm_job_attempt *attempt, int64_t now_ms);
/* transfer → broker: asks for signed URLs. Lost when no broker is attached: transfer asks again.
 * False: a file is not one of the attempt's outputs, and nothing is sent. */
bool fm_relay_want_upload(struct fm_job_attempt *attempt, const struct fm_want_upload *want);
/* broker → transfer: the signed URLs. Dropped unless transfer delivers. */
void fm_relay_upload(struct fm_job_attempt *attempt, const struct fm_upload *upload);
/* The latest WELCOME → transfer: which origins are the store's and the broker's own, for the store
 * door and the outbound door. A transfer that has no FETCH yet gets them with it. */
void fm_relay_origins(struct fm_job_attempt *attempt);
/* The attempt's verdict → broker. Outputs are listed only if it succeeded. */
void fm_relay_result(struct fm_job_attempt *attempt);

#endif
