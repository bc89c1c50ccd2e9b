/*
 * What an attempt tells its children: FETCH, WORK, VERIFY, DELIVER, with their descriptors.
 * After: the child is BUSY (or DELIVERS). A child that takes no message is broken, and its end says
 * so; false is only for what the worker could not do itself.
 */
#ifndef FM_WORKER_COMMAND_H
#define FM_WORKER_COMMAND_H

#include "worker/job.h"

bool fm_command_fetch(struct fm_job_attempt *attempt, struct fm_error *err) FM_MUST_CHECK;
/* Opens the outputs and limits the processor time first. */
bool fm_command_work(struct fm_job_attempt *attempt, struct fm_error *err) FM_MUST_CHECK;
bool fm_command_verify(struct fm_job_attempt *attempt, struct fm_error *err) FM_MUST_CHECK;
bool fm_command_deliver(struct fm_job_attempt *attempt, struct fm_error *err) FM_MUST_CHECK;

#endif
