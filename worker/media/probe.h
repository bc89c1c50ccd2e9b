/*
 * Reads facts out of an opened source and fits them into our own records; it only looks and never
 * moves the source.
 * Before: input. After: what the job shows of its source, and what plan and verify rely on.
 * Threads: any, as long as no other thread reads from the same format context.
 */
#ifndef FM_WORKER_MEDIA_PROBE_H
#define FM_WORKER_MEDIA_PROBE_H

#include <libavformat/avformat.h>

#include "proto/message.h"

/* Fills container, duration, video and audio; everything `facts` points at lives in the arena.
 * NO_MEDIA_FOUND if there is neither picture nor sound, MEDIA_INVALID if a picture's size could not
 * be read, UNSUPPORTED_CODEC if that picture is WebP (libav does not decode the animated kind). */
bool fm_probe_source(AVFormatContext *format, struct fm_arena *arena, struct fm_source_facts *facts,
                     struct fm_error *err) FM_MUST_CHECK;
/* The index of the stream that outputs are made from, or -1. libav's choice (av_find_best_stream),
 * but never a cover picture and never a picture without a size. */
int fm_probe_video_stream(AVFormatContext *format);
int fm_probe_audio_stream(AVFormatContext *format);
/* The length of the source in seconds; 0 if unknown. A file whose times start at 100 s and end at
 * 110 s is 10 s long. */
double fm_probe_duration(const AVFormatContext *format);
/* By how many degrees the display matrix turns the picture clockwise: 0, 90, 180 or 270. */
int fm_probe_rotation(const AVStream *stream);
/* Whether the display matrix turns or mirrors the picture at all. A picture that is flipped upside
 * down has a rotation of 0 and is turned all the same. */
bool fm_probe_is_turned(const AVStream *stream);
/* How many seconds of the stream an edit list hides before the last packet that is shown. Such
 * packets exist only to be decoded. Counts what libav's index of the stream holds by now. */
double fm_probe_hidden(AVStream *stream);
/* Width and height are those the viewer sees, after the rotation. `frames` stays 0: a stage that
 * has counted the packets sets it. */
void fm_probe_video_facts(const AVStream *stream, struct fm_arena *arena,
                          struct fm_video_facts *facts);
void fm_probe_audio_facts(const AVStream *stream, struct fm_arena *arena,
                          struct fm_audio_facts *facts);

#endif
