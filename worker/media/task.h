/*
 * Carries out the one command a child gets, WORK or VERIFY, and fills the END that answers it.
 * Before: main has received the command and its descriptors. After: END, which holds the facts of
 * the source and the files, or an error and its detail.
 * Owns: the arena that END points into; descriptors and channel stay the caller's.
 * Threads: one; the pipeline's own have ended when fm_task_run returns.
 */
#ifndef FM_WORKER_MEDIA_TASK_H
#define FM_WORKER_MEDIA_TASK_H

#include "proto/channel.h"

/* Initialise channel, fds and fd_count; call fm_task_run; send the END; call fm_task_done. */
struct fm_task {
    struct fm_channel *channel; /* for PROGRESS */
    const int *fds;             /* WORK: the source, then one for each output; VERIFY: the files */
    size_t fd_count;
    struct fm_arena arena;
    struct fm_error err;
};

/* Whether messages of this type are commands for this child. */
bool fm_task_knows(enum fm_message_type type);
/* Carries out the command, and initialises and fills `end`, which points into the task, the command
 * and its spec. Errors of the command are in `end`. */
void fm_task_run(struct fm_task *task, const struct fm_message *command, struct fm_message *end);
void fm_task_done(struct fm_task *task);

#endif
