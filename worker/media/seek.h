/*
 * Sets a source to a moment. Some containers are searched by decoding times, which lie before the
 * times of showing: the source's first moment is aimed at from well before it.
 * Before: input. After: keyframe, demux.
 */
#ifndef FM_WORKER_MEDIA_SEEK_H
#define FM_WORKER_MEDIA_SEEK_H

#include <libavformat/avformat.h>
#include <stdbool.h>

/* Where the source's times begin; 0: unknown. */
int64_t fm_seek_start_us(const AVFormatContext *input);
/* The next packet is one to begin with by that many seconds from the source's start, as far as its
 * container can tell; the source's first where not all of its streams have begun by then. False: it
 * cannot be searched. */
bool fm_seek_to(AVFormatContext *input, double seconds);

#endif
