/*
 * Moves a source to a moment, so that every packet needed from there on is read. Some containers
 * can only be searched by decoding time, which lies before presentation time; this file makes up
 * for it. Before: input. After: keyframe, demux. Threads: the one that reads from the source.
 */
#ifndef FM_WORKER_MEDIA_SEEK_H
#define FM_WORKER_MEDIA_SEEK_H

#include <libavformat/avformat.h>
#include <stdbool.h>

/* The source's own time of its start, in microseconds; 0 if it is unknown. */
int64_t fm_seek_start_us(const AVFormatContext *input);
/* The next packet read is the keyframe at or before `seconds` from the source's start, as far as
 * the container's index can tell; or the source's very first packet if not all streams have begun
 * by then. False if the source cannot seek; it then stands where it stood. */
bool fm_seek_to(AVFormatContext *input, double seconds);

#endif
