/*
 * Sends an attempt's children their tasks: FETCH, WORK, VERIFY, DELIVER, with the descriptors each
 * may use. Before: job.c has found the step due. After: the child is BUSY, with DELIVER it is
 * DELIVERS. A message that cannot be sent breaks the child and still returns true, for the child's
 * end decides the attempt; false means that the worker failed in its own part (files, limits).
 */
#ifndef FM_WORKER_COMMAND_H
#define FM_WORKER_COMMAND_H

#include "worker/job.h"

bool fm_command_fetch(struct fm_job_attempt *attempt, struct fm_error *err) FM_MUST_CHECK;
/* First limits the child's processor time and, unless the job is a copy, makes the outputs. The
 * child gets the source read-only and the outputs writable. */
bool fm_command_work(struct fm_job_attempt *attempt, struct fm_error *err) FM_MUST_CHECK;
/* The child gets the sealed outputs (fm_files_seal_outputs), read-only. */
bool fm_command_verify(struct fm_job_attempt *attempt, struct fm_error *err) FM_MUST_CHECK;
/* Transfer gets the outputs; for a copy, the source itself. */
bool fm_command_deliver(struct fm_job_attempt *attempt, struct fm_error *err) FM_MUST_CHECK;

#endif
