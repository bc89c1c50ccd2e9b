/*
 * Opens the source for libav: the bytes of one descriptor, read by pread, with every limit in force
 * before the first byte is parsed (format and protocol whitelists, max_pixels, number of streams,
 * probe size). There is no protocol, no playlist and no second file that libav could reach.
 * Before: a spool descriptor. After: an opened AVFormatContext whose streams are known, for probe,
 * plan and demux.
 * Owns: the AVFormatContext. The descriptor stays the caller's.
 * Threads: one at a time.
 */
#ifndef FM_WORKER_MEDIA_INPUT_H
#define FM_WORKER_MEDIA_INPUT_H

#include <libavformat/avformat.h>

#include "common/error.h"

/* The limits of a source. The longer side of a picture may have MAX_WIDTH, the shorter one
 * MAX_HEIGHT, so that portrait and landscape are treated alike. */
#define FM_INPUT_MAX_WIDTH 8192
#define FM_INPUT_MAX_HEIGHT 4320
#define FM_INPUT_MAX_PIXELS (8192LL * 4320)
#define FM_INPUT_MAX_STREAMS 32
#define FM_INPUT_MAX_FRAME_RATE 240

struct fm_input;

/* The descriptor stays the caller's and must outlive the input; its offset is neither used nor
 * moved. Opens the file a second time inside where a limit shows only in packets.
 * UNSUPPORTED_CONTAINER, MEDIA_INVALID, MEDIA_TOO_LARGE, MEDIA_TOO_LONG (a duration above
 * max_seconds), ENCRYPTED_MEDIA, RESOURCE_MEMORY. */
bool fm_input_open(int fd, int64_t size_bytes, uint64_t max_seconds, struct fm_input **input,
                   struct fm_error *err) FM_MUST_CHECK;
/* libav's name of the container, judged by the first bytes alone, for a source that cannot be
 * opened. NULL if they leave a doubt or the container is not on our list. A constant. */
const char *fm_input_name(int fd, int64_t size_bytes);
/* Lives as long as the input. */
AVFormatContext *fm_input_format(struct fm_input *input);
/* Whether the file is shorter than the lengths in its container. */
bool fm_input_is_cut(const struct fm_input *input);
/* The offset of the furthest byte read so far. */
int64_t fm_input_position(const struct fm_input *input);
void fm_input_destroy(struct fm_input **input);

#endif
