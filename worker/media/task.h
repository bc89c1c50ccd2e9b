/*
 * What a child is for: one command off the channel, and the END that answers it.
 * Before: WORK or VERIFY and its descriptors. After: END filled, with an error and its detail or
 * with the facts.
 */
#ifndef FM_WORKER_MEDIA_TASK_H
#define FM_WORKER_MEDIA_TASK_H

#include "proto/channel.h"

/* `struct fm_task task = {…}; … fm_task_run(…); send the END; fm_task_done(&task);` */
struct fm_task {
    struct fm_channel *channel; /* for PROGRESS */
    const int *fds;
    size_t fd_count;
    struct fm_arena arena; /* what END points at */
    struct fm_error err;
};

/* True if a child takes orders of this type. */
bool fm_task_knows(enum fm_message_type type);
/* Runs the command and initialises and fills `end`. */
void fm_task_run(struct fm_task *task, const struct fm_message *command, struct fm_message *end);
void fm_task_done(struct fm_task *task);

#endif
