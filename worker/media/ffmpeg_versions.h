/*
 * The one place that knows how FFmpeg 5.1 to 7.1 differ. What all releases spell alike is called by
 * its own name; what a release renamed, moved or made const is called through here.
 */
#ifndef FM_WORKER_MEDIA_FFMPEG_VERSIONS_H
#define FM_WORKER_MEDIA_FFMPEG_VERSIONS_H

#include <libavcodec/avcodec.h>
#include <libavfilter/buffersrc.h>
#include <libavformat/avformat.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ---- a frame's duration, in its time base: a field of its own from FFmpeg 6.0 on ---- */

#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
#define FM_FFMPEG_DURATION duration
#else
#define FM_FFMPEG_DURATION pkt_duration
#endif

static inline int64_t fm_ffmpeg_duration(const AVFrame *frame)
{
    return frame->FM_FFMPEG_DURATION;
}

static inline void fm_ffmpeg_set_duration(AVFrame *frame, int64_t duration)
{
    frame->FM_FFMPEG_DURATION = duration;
}

/* How many places of a grid of `rate` a frame stands for, as the ffmpeg command counts them: whole
 * ones up to FFmpeg 6, and one where a filter resized it, for then the duration is not believed. */
static inline double fm_ffmpeg_places(const AVFrame *frame, AVRational rate, bool is_resized)
{
    double places = (double)fm_ffmpeg_duration(frame) * av_q2d(frame->time_base) * av_q2d(rate);
#if LIBAVUTIL_VERSION_MAJOR >= 59
    (void)is_resized;
    return places > 0 ? places : 1;
#else
    return is_resized ? 1 : fmax(rint(places), 1);
#endif
}

/* ---- a stream's side data: moved to its codec parameters in FFmpeg 6.1, which copies of the
 * parameters carry along since ---- */

/* All of it, `*count` entries; the stream keeps them. */
static inline const AVPacketSideData *fm_ffmpeg_side_data_list(const AVStream *stream, int *count)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 30, 100)
    *count = stream->codecpar->nb_coded_side_data;
    return stream->codecpar->coded_side_data;
#else
    *count = stream->nb_side_data;
    return stream->side_data;
#endif
}

/* The entry of this type, which the stream keeps; NULL if there is none. */
static inline const AVPacketSideData *fm_ffmpeg_side_data(const AVStream *stream,
                                                          enum AVPacketSideDataType type)
{
    int count = 0;
    const AVPacketSideData *list = fm_ffmpeg_side_data_list(stream, &count);
    for (int i = 0; i < count; i++) {
        if (list[i].type == type) {
            return &list[i];
        }
    }
    return NULL;
}

/* Room for `size` bytes of this type, in place of what the stream had of it; NULL: no memory. */
static inline uint8_t *fm_ffmpeg_side_data_new(AVStream *stream, enum AVPacketSideDataType type,
                                               size_t size)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 30, 100)
    AVPacketSideData *made = av_packet_side_data_new(
        &stream->codecpar->coded_side_data, &stream->codecpar->nb_coded_side_data, type, size, 0);
    return made ? made->data : NULL;
#else
    return av_stream_new_side_data(stream, type, size);
#endif
}

/* ---- what an encoder takes: asked by a call from FFmpeg 7.1 on. Lists end with a value of -1
 * (rates: 0); NULL says that any will do ---- */

#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
static inline const void *fm_ffmpeg_supported(const AVCodec *encoder, enum AVCodecConfig what)
{
    const void *list = NULL;
    return avcodec_get_supported_config(NULL, encoder, what, 0, &list, NULL) < 0 ? NULL : list;
}
#define FM_FFMPEG_SUPPORTED(encoder, field, what) fm_ffmpeg_supported(encoder, what)
#else
#define FM_FFMPEG_SUPPORTED(encoder, field, what) ((encoder)->field)
#endif

static inline const enum AVPixelFormat *fm_ffmpeg_pixel_formats(const AVCodec *encoder)
{
    return FM_FFMPEG_SUPPORTED(encoder, pix_fmts, AV_CODEC_CONFIG_PIX_FORMAT);
}

static inline const enum AVSampleFormat *fm_ffmpeg_sample_formats(const AVCodec *encoder)
{
    return FM_FFMPEG_SUPPORTED(encoder, sample_fmts, AV_CODEC_CONFIG_SAMPLE_FORMAT);
}

static inline const int *fm_ffmpeg_sample_rates(const AVCodec *encoder)
{
    return FM_FFMPEG_SUPPORTED(encoder, supported_samplerates, AV_CODEC_CONFIG_SAMPLE_RATE);
}

/* ---- colours: a filter's source is told which its frames have from FFmpeg 7.0 on, and gives
 * frames those it was told ---- */

static inline void fm_ffmpeg_set_colours(AVBufferSrcParameters *parameters, const AVFrame *frame)
{
#if LIBAVFILTER_VERSION_MAJOR >= 10
    parameters->color_space = frame->colorspace;
    parameters->color_range = frame->color_range;
#else
    (void)parameters, (void)frame;
#endif
}

/* Whether a source made for one frame's colours takes the other frame. */
static inline bool fm_ffmpeg_has_colours(const AVFrame *frame, const AVFrame *other)
{
#if LIBAVFILTER_VERSION_MAJOR >= 10
    return frame->colorspace == other->colorspace && frame->color_range == other->color_range;
#else
    (void)frame, (void)other;
    return true;
#endif
}

/* ---- whether a container is made for one frame rate: of mp4 and mov, the muxers say so up to
 * FFmpeg 6 only. A film is the same whichever release made it ---- */

static inline bool fm_ffmpeg_wants_one_rate(const AVOutputFormat *muxer)
{
    return !strcmp(muxer->name, "mp4") || !strcmp(muxer->name, "mov") ||
           !(muxer->flags & AVFMT_VARIABLE_FPS);
}

/* ---- the bytes an AVIOContext hands to its write callback: const from FFmpeg 7.0 on ---- */

#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t fm_ffmpeg_written;
#else
typedef uint8_t fm_ffmpeg_written;
#endif

#endif
