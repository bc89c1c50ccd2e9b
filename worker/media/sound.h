/*
 * Chooses the settings of an audio encoder: channels, sample rate, sample format and bitrate,
 * within what the encoder and the format accept. Before: plan, which has chosen the encoder. After:
 * filter and encode. Threads: any.
 */
#ifndef FM_WORKER_MEDIA_SOUND_H
#define FM_WORKER_MEDIA_SOUND_H

#include "worker/media/plan.h"

/* Whether the format's muxer accepts audio of this sample rate. Whether it can hold the codec at
 * all is a question for plan. */
bool fm_sound_is_carried(const struct fm_format_row *format, const AVCodecParameters *codec);
/* The layout in which the encoder expects this number of channels. The caller uninitialises it. */
void fm_sound_layout(enum AVCodecID codec, int channels, AVChannelLayout *layout);
/* Sets channels, sample_rate, sample_format and bit_rate of a stream whose source and encoder are
 * set: as requested, or else as the source has them. */
void fm_sound_plan(const struct fm_spec_audio *asked, const struct fm_format_row *format,
                   struct fm_plan_stream *stream);

#endif
