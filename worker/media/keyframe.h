/*
 * Finds where a remux may begin: the last keyframe by a moment. It reads packets for
 * that, and leaves the source at its start again.
 * Before: input. After: plan.
 */
#ifndef FM_WORKER_MEDIA_KEYFRAME_H
#define FM_WORKER_MEDIA_KEYFRAME_H

#include <libavformat/avformat.h>

/* Seconds from the source's start, where one that an edit list hides counts as lying; the moment
 * itself where none lies before it, or the source cannot be searched. */
double fm_keyframe_before(AVFormatContext *input, const AVStream *stream, double seconds);

#endif
