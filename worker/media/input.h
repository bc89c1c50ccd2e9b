/*
 * The source as libav sees it: bytes of one descriptor, by pread, under every limit there is before
 * the first byte is parsed (format and protocol whitelists, max_pixels, streams, probe size). No
 * protocol, no playlist, no second file. Before: a spool descriptor. After: an opened
 * AVFormatContext with its streams known.
 */
#ifndef FM_WORKER_MEDIA_INPUT_H
#define FM_WORKER_MEDIA_INPUT_H

#include <libavformat/avformat.h>

#include "common/error.h"

/* Limits of a source (docs/security.md). */
#define FM_INPUT_MAX_WIDTH 8192
#define FM_INPUT_MAX_HEIGHT 4320
#define FM_INPUT_MAX_PIXELS (8192LL * 4320)
#define FM_INPUT_MAX_STREAMS 32
#define FM_INPUT_MAX_FRAME_RATE 240

struct fm_input;

/* The descriptor stays the caller's and must outlive the input. UNSUPPORTED_CONTAINER,
 * MEDIA_INVALID, MEDIA_TOO_LARGE, MEDIA_TOO_LONG (duration above max_seconds), ENCRYPTED_MEDIA. */
bool fm_input_open(int fd, int64_t size_bytes, uint64_t max_seconds, struct fm_input **input,
                   struct fm_error *err) FM_MUST_CHECK;
/* The container's name by its first bytes alone, for a source that is not opened: NULL where they
 * leave a doubt. A constant. */
const char *fm_input_name(int fd, int64_t size_bytes);
AVFormatContext *fm_input_format(struct fm_input *input);
/* The file is shorter than its container says. */
bool fm_input_is_cut(const struct fm_input *input);
/* Bytes read so far, for progress of stream copies. */
int64_t fm_input_position(const struct fm_input *input);
void fm_input_destroy(struct fm_input **input);

#endif
