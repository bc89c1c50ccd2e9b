/*
 * What a sound's encoder is set to, within what the encoder and the format take.
 * Before: plan, which has chosen the encoder. After: filter and encode.
 */
#ifndef FM_WORKER_MEDIA_SOUND_H
#define FM_WORKER_MEDIA_SOUND_H

#include "worker/media/plan.h"

/* True if the format's muxer takes sound of this rate; that it carries the codec is said before. */
bool fm_sound_is_carried(const struct fm_format_row *format, const AVCodecParameters *codec);
/* The encoder's layout of so many channels; libav's own unless the codec has another. */
void fm_sound_layout(enum AVCodecID codec, int channels, AVChannelLayout *layout);
/* Channels, rates and sample format, as asked or as the source has them, of a stream whose encoder
 * stands. */
void fm_sound_plan(const struct fm_spec_audio *asked, const struct fm_format_row *format,
                   struct fm_plan_stream *stream);

#endif
