/*
 * The source as it came, byte for byte, beside outputs that are made of it.
 * Before: input. After: the same bytes behind an output's descriptor. Threads: the caller's, when
 * no stage reads the input any more.
 */
#ifndef FM_WORKER_MEDIA_PASSTHROUGH_H
#define FM_WORKER_MEDIA_PASSTHROUGH_H

#include "proto/message.h"
#include "worker/media/input.h"

/* Fills duration_seconds, video and audio from the source. RESOURCE_DISK, MEDIA_INVALID. */
bool fm_passthrough_source(struct fm_input *input, int fd, struct fm_arena *arena,
                           struct fm_file_facts *facts, struct fm_error *err) FM_MUST_CHECK;

#endif
