/*
 * Writes an output's bytes to one descriptor, with pread and pwrite at positions it counts itself,
 * so the descriptor's offset does not matter. The muxer may read back what it wrote (as faststart
 * does) and can open nothing else.
 * Before: mux. After: a file. Threads: one at a time, under the mux's lock.
 */
#ifndef FM_WORKER_MEDIA_SINK_H
#define FM_WORKER_MEDIA_SINK_H

#include <libavformat/avformat.h>

#include "common/error.h"

struct fm_sink;

/* Empties the file and makes `format` write to it. The descriptor stays the caller's. Free the
 * format before the sink. SYSTEM, RESOURCE_MEMORY. */
bool fm_sink_new(AVFormatContext *format, int fd, struct fm_sink **sink,
                 struct fm_error *err) FM_MUST_CHECK;
/* Writes out the buffer. Returns the error of any write so far, which the muxer may have ignored:
 * RESOURCE_DISK, MEDIA_INVALID. */
bool fm_sink_flush(struct fm_sink *sink, struct fm_error *err) FM_MUST_CHECK;
void fm_sink_destroy(struct fm_sink **sink);

#endif
