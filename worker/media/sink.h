/*
 * Where an output's bytes go: one descriptor, by pread and pwrite at positions of its own, so the
 * descriptor's offset means nothing. The muxer may read back what it wrote (faststart does) and can
 * open nothing else.
 * Before: mux. After: a file. Threads: under the mux's lock.
 */
#ifndef FM_WORKER_MEDIA_SINK_H
#define FM_WORKER_MEDIA_SINK_H

#include <libavformat/avformat.h>

#include "common/error.h"

struct fm_sink;

/* Makes `format` write to the descriptor; it stays the caller's, and the format must end before the
 * sink does. */
bool fm_sink_new(AVFormatContext *format, int fd, struct fm_sink **sink,
                 struct fm_error *err) FM_MUST_CHECK;
/* All is in the file, or why not: RESOURCE_DISK, MEDIA_INVALID. */
bool fm_sink_flush(struct fm_sink *sink, struct fm_error *err) FM_MUST_CHECK;
void fm_sink_destroy(struct fm_sink **sink);

#endif
