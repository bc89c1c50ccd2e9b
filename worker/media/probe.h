/*
 * Facts out of an opened source.
 * Before: input. After: what the job shows of its source, and what plan and verify count on.
 */
#ifndef FM_WORKER_MEDIA_PROBE_H
#define FM_WORKER_MEDIA_PROBE_H

#include "proto/message.h"
#include "worker/media/input.h"

/* Everything pointed at lives in the arena. Fails NO_MEDIA_FOUND if there is neither picture nor
 * sound. */
bool fm_probe_source(struct fm_input *input, struct fm_arena *arena, struct fm_source_facts *facts,
                     struct fm_error *err) FM_MUST_CHECK;
/* The streams outputs are made from (av_find_best_stream; an attached cover is no video), or -1. */
int fm_probe_video_stream(AVFormatContext *format);
int fm_probe_audio_stream(AVFormatContext *format);
/* Container's duration with its start offset taken off, in seconds; 0 unknown. */
double fm_probe_duration(const AVFormatContext *format);
/* Clockwise degrees (0, 90, 180, 270) from the display matrix. */
int fm_probe_rotation(const AVStream *stream);
/* Whether the display matrix turns or mirrors at all: a picture upside down is rotated by 0. */
bool fm_probe_is_turned(const AVStream *stream);
/* How much of the stream an edit list hides before its last packet that is shown, in seconds, as
 * far as the index has been read: what the packets in between are decoded for. */
double fm_probe_hidden(AVStream *stream);
void fm_probe_video_facts(const AVFormatContext *format, const AVStream *stream,
                          struct fm_arena *arena, struct fm_video_facts *facts);
void fm_probe_audio_facts(const AVStream *stream, struct fm_arena *arena,
                          struct fm_audio_facts *facts);
/* A libav error number as ours: MEDIA_INVALID, RESOURCE_MEMORY, RESOURCE_DISK, UNSUPPORTED_CODEC …
 */
bool fm_probe_fail(struct fm_error *err, int averror, const char *what);

#endif
