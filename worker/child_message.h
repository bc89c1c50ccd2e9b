/*
 * What a child's words change in its attempt. They came in their turn (child_rules.c); here their
 * content is judged: generations, sizes, names. What is wrong breaks the child.
 */
#ifndef FM_WORKER_CHILD_MESSAGE_H
#define FM_WORKER_CHILD_MESSAGE_H

#include "worker/job.h"

/* Not END. Descriptors may be taken over by setting them -1. */
void fm_child_message_handle(struct fm_job_attempt *attempt, struct fm_child *child,
                             const struct fm_message *message, int *fds);

#endif
