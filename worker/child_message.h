/*
 * Applies a child's messages to its attempt. Before: child.c has checked that the message may come
 * now (child_rules.h). Here its content is checked: generations, sizes, names; a wrong value breaks
 * the child (fm_child_break). After: job.c takes the steps that have become due.
 */
#ifndef FM_WORKER_CHILD_MESSAGE_H
#define FM_WORKER_CHILD_MESSAGE_H

#include "worker/job.h"

/* SOURCE, COMPLETE, WANT_UPLOAD and PROGRESS; ignores all others. Sets the descriptors that it
 * takes over to -1. The message is only borrowed: what the attempt keeps is copied into its arena.
 */
void fm_child_message_handle(struct fm_job_attempt *attempt, struct fm_child *child,
                             const struct fm_message *message, int *fds);

#endif
