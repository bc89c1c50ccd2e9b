/* The demands that each codec and container makes on audio. */
#include "worker/media/sound.h"

#include <string.h>

#include "worker/media/ffmpeg_versions.h"

/* Unless more are requested, audio is mixed down to stereo, which every device plays. */
#define MOST_CHANNELS_UNASKED 2
#define DEFAULT_SAMPLE_RATE 44100
/* The lowest sample rate of MPEG-2 audio (ISO/IEC 13818-3). Lower ones belong to "MPEG 2.5", which
 * is not a standard. */
#define MPEG2_SAMPLE_RATE 16000
/* The most that libopus accepts per channel, in bits a second; it does not open with more. The
 * other encoders lower the bitrate themselves. */
#define OPUS_CHANNEL_BIT_RATE 256000

/* MP4 holds MP3 only as MPEG-1 and MPEG-2 define it. MOV also takes MPEG 2.5. */
static int least_sample_rate(const struct fm_format_row *format, enum AVCodecID codec)
{
    return codec == AV_CODEC_ID_MP3 && !strcmp(format->muxer, "mp4") ? MPEG2_SAMPLE_RATE : 0;
}

bool fm_sound_is_carried(const struct fm_format_row *format, const AVCodecParameters *codec)
{
    return codec->sample_rate >= least_sample_rate(format, codec->codec_id);
}

/* Opus orders its channels as Vorbis does (RFC 7845, 5.1.1.2). libav's default layouts differ from
 * that for three and four channels. */
void fm_sound_layout(enum AVCodecID codec, int channels, AVChannelLayout *layout)
{
    bool is_opus = codec == AV_CODEC_ID_OPUS;
    av_channel_layout_default(layout, channels);
    if (is_opus && channels == 3) {
        *layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_SURROUND;
    }
    if (is_opus && channels == 4) {
        *layout = (AVChannelLayout)AV_CHANNEL_LAYOUT_QUAD;
    }
}

/* An encoder without a list accepts any rate. */
static int nearest_sample_rate(const AVCodec *encoder, int rate)
{
    int best = 0;
    for (const int *at = fm_ffmpeg_sample_rates(encoder); at && *at; at++) {
        if (!best || abs(*at - rate) < abs(best - rate)) {
            best = *at;
        }
    }
    return best ? best : rate;
}

/* Floats if the encoder accepts them, because most decoders produce floats; else its first choice.
 */
static enum AVSampleFormat choose_sample_format(const AVCodec *encoder)
{
    const enum AVSampleFormat *formats = fm_ffmpeg_sample_formats(encoder);
    for (const enum AVSampleFormat *at = formats; at && *at != AV_SAMPLE_FMT_NONE; at++) {
        if (*at == AV_SAMPLE_FMT_FLTP || *at == AV_SAMPLE_FMT_FLT) {
            return *at;
        }
    }
    return formats ? formats[0] : AV_SAMPLE_FMT_FLTP;
}

/* The standard rates are those most services use for stereo. */
static int64_t choose_bit_rate(const struct fm_spec_audio *asked, enum AVCodecID codec,
                               int channels)
{
    int64_t standard = codec == AV_CODEC_ID_MP3 ? 192000 : 128000;
    int64_t rate = asked->bitrate ? (int64_t)asked->bitrate : standard;
    return codec == AV_CODEC_ID_OPUS ? FFMIN(rate, (int64_t)channels * OPUS_CHANNEL_BIT_RATE)
                                     : rate;
}

void fm_sound_plan(const struct fm_spec_audio *asked, const struct fm_format_row *format,
                   struct fm_plan_stream *stream)
{
    const AVCodecParameters *source = stream->source->codecpar;
    enum AVCodecID codec = stream->encoder->id;
    int rate = asked->sample_rate ? (int)asked->sample_rate : source->sample_rate;
    int channels = (int)asked->channels;
    if (!channels) {
        channels = av_clip(source->ch_layout.nb_channels, 1, MOST_CHANNELS_UNASKED);
    }
    rate = FFMAX(rate > 0 ? rate : DEFAULT_SAMPLE_RATE, least_sample_rate(format, codec));
    stream->channels = codec == AV_CODEC_ID_MP3 ? FFMIN(channels, 2) : channels;
    stream->sample_rate = nearest_sample_rate(stream->encoder, rate);
    stream->bit_rate = choose_bit_rate(asked, codec, stream->channels);
    stream->sample_format = choose_sample_format(stream->encoder);
}
