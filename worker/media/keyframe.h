/*
 * Finds where a remux may begin: the last keyframe at or before a moment. It reads packets of the
 * source for that, and leaves it at its start again.
 * Before: input. After: plan. Threads: one at a time, like everything that reads from the source.
 */
#ifndef FM_WORKER_MEDIA_KEYFRAME_H
#define FM_WORKER_MEDIA_KEYFRAME_H

#include <libavformat/avformat.h>

/* The keyframe's time in seconds from the source's start; a keyframe that an edit list hides counts
 * as 0. Returns `seconds` itself if there is no keyframe before it or the source cannot seek. */
double fm_keyframe_before(AVFormatContext *input, const AVStream *stream, double seconds);

#endif
