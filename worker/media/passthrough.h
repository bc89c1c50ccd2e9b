/*
 * Copies the source byte for byte to an output of format "copy", in a job that has other outputs
 * too. (A job with nothing but a copy delivers the spool file itself: see task.c.)
 * Before: input. After: the same bytes behind an output's descriptor.
 * Threads: the caller's, when no stage reads the input any more: it moves the input's position.
 */
#ifndef FM_WORKER_MEDIA_PASSTHROUGH_H
#define FM_WORKER_MEDIA_PASSTHROUGH_H

#include "proto/message.h"
#include "worker/media/input.h"

/* Appends to the descriptor, which stays the caller's, and fills duration_seconds, video and audio
 * with the facts of the source, in the arena. RESOURCE_DISK, MEDIA_INVALID. */
bool fm_passthrough_source(struct fm_input *input, int fd, struct fm_arena *arena,
                           struct fm_file_facts *facts, struct fm_error *err) FM_MUST_CHECK;

#endif
