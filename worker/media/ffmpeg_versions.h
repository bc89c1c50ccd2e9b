/*
 * The only file that knows how FFmpeg 5.1 to 7.1 differ (libavutil 57 to 59). Whatever all releases
 * spell alike is called by its own name; whatever a release renamed, moved or made const is called
 * through here. Each #if compares with the library version of the change (FFmpeg's doc/APIchanges).
 * Threads: any; nothing here has a state.
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

/* ---- a frame's duration, in its time base: renamed in FFmpeg 6.0 ---- */

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

/* How many points of a grid of 1/rate a frame's own duration covers, as the ffmpeg command of the
 * same release counts: up to FFmpeg 6 a whole number, and a single point if a filter has resized
 * the frame, because the command then does not trust the duration. */
static inline double fm_ffmpeg_points(const AVFrame *frame, AVRational rate, bool is_resized)
{
    double points = (double)fm_ffmpeg_duration(frame) * av_q2d(frame->time_base) * av_q2d(rate);
#if LIBAVUTIL_VERSION_MAJOR >= 59
    (void)is_resized;
    return points > 0 ? points : 1;
#else
    return is_resized ? 1 : fmax(rint(points), 1);
#endif
}

/* ---- a stream's side data: moved to its codec parameters in FFmpeg 6.1; since then, copies of the
 * parameters contain it ---- */

/* All `*count` entries; they stay the stream's. */
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

/* The entry of this type, which stays the stream's; NULL if there is none. */
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

/* Adds an entry of `size` bytes, in place of one of the same type. Returns its bytes, for the
 * caller to fill; NULL: no memory. */
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

/* ---- what an encoder accepts: members of AVCodec, replaced by a call in FFmpeg 7.1. Lists end
 * with -1 (sample rates: 0); NULL means that any value will do ---- */

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

/* ---- colours: from FFmpeg 7.0 on a filter graph's source has to know the colour space and range
 * of its frames in advance, and marks every frame with them ---- */

static inline void fm_ffmpeg_set_colours(AVBufferSrcParameters *parameters, const AVFrame *frame)
{
#if LIBAVFILTER_VERSION_MAJOR >= 10
    parameters->color_space = frame->colorspace;
    parameters->color_range = frame->color_range;
#else
    (void)parameters, (void)frame;
#endif
}

/* Whether a source that was made for `other` accepts `frame`. */
static inline bool fm_ffmpeg_has_colours(const AVFrame *frame, const AVFrame *other)
{
#if LIBAVFILTER_VERSION_MAJOR >= 10
    return frame->colorspace == other->colorspace && frame->color_range == other->color_range;
#else
    (void)frame, (void)other;
    return true;
#endif
}

/* ---- whether a container is made for a constant frame rate. FFmpeg 7 no longer says so of mp4 and
 * mov; here they stay as they were, so that every release makes the same film ---- */

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
