/*
 * The one place that turns a libav error number into an error of ours, so that every stage reports
 * the same failure alike.
 * Before: any call into libav that failed. After: an error whose code decides what the client sees
 * and whether the job is tried again (common/error.def).
 * Threads: any.
 */
#ifndef FM_WORKER_MEDIA_LIBAV_ERROR_H
#define FM_WORKER_MEDIA_LIBAV_ERROR_H

#include "common/error.h"

/* Fills `err` and returns false, as fm_fail() does. `averror` is libav's negative number; `what`
 * names the step that failed and opens the log's detail. A lack of memory is RESOURCE_MEMORY, a
 * full disk RESOURCE_DISK, a missing codec UNSUPPORTED_CODEC, a missing demuxer
 * UNSUPPORTED_CONTAINER, a bug libav admits INTERNAL; every other number is MEDIA_INVALID. */
bool fm_libav_error_fail(struct fm_error *err, int averror, const char *what);

#endif
