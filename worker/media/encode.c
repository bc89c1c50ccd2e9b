/* Settings, times, and libav's send and receive of encoding. */
#include "worker/media/encode.h"

#include <errno.h>

#include "common/fault.h"
#include "worker/media/ffmpeg_versions.h"
#include "worker/media/libav_error.h"
#include "worker/media/sound.h"

/* The quantiser of JPEG, as with -q:v: 2 is the best quality libav's encoder is meant to give. */
#define STILL_QUALITY (2 * FF_QP2LAMBDA)
/* VP9 allows tiles down to 256 pixels in width and up to 2^6 columns of them. */
#define LEAST_TILE_WIDTH 256
#define MOST_TILE_COLUMNS 6
/* A frame that lies further than this before the first free grid point is dropped; a nearer one is
 * moved to that point. In frames; the ffmpeg command's bound. */
#define EARLIEST 1.6

/* ---- opening ---- */

/* libvpx can only spread columns of tiles, and rows within them, over threads, and its default is a
 * single column. */
static void set_vp9(const struct fm_plan_stream *plan, AVDictionary **options)
{
    int columns = 0;
    while (columns < MOST_TILE_COLUMNS && plan->width >> (columns + 1) >= LEAST_TILE_WIDTH) {
        columns++;
    }
    av_dict_set(options, "deadline", plan->preset->deadline, 0);
    av_dict_set_int(options, "cpu-used", plan->preset->cpu_used, 0);
    av_dict_set_int(options, "row-mt", 1, 0);
    av_dict_set_int(options, "tile-columns", columns, 0);
}

/* A bitrate that was requested wins over the quality (crf), as the spec has it. */
static void set_rate_control(AVCodecContext *codec, const struct fm_plan_stream *plan,
                             AVDictionary **options)
{
    codec->bit_rate = plan->bit_rate;
    if (plan->still) {
        codec->flags |= AV_CODEC_FLAG_QSCALE;
        codec->global_quality = STILL_QUALITY;
    }
    if (codec->codec_id == AV_CODEC_ID_H264) {
        av_dict_set(options, "preset", plan->preset->name, 0);
    }
    if (codec->codec_id == AV_CODEC_ID_VP9) {
        set_vp9(plan, options);
    }
    bool by_crf = codec->codec_id == AV_CODEC_ID_H264 || codec->codec_id == AV_CODEC_ID_VP9;
    if (by_crf && !plan->bit_rate) {
        av_dict_set_int(options, "crf", plan->crf, 0);
    }
}

/* Everything that depends on the picture comes from a filtered frame, never from the source's
 * header: the filter may have changed size, format and colours. */
static void set_video(AVCodecContext *codec, const struct fm_plan_stream *plan,
                      const AVFrame *first)
{
    codec->width = first->width;
    codec->height = first->height;
    codec->pix_fmt = (enum AVPixelFormat)first->format;
    codec->sample_aspect_ratio = first->sample_aspect_ratio;
    codec->color_range = first->color_range;
    codec->color_primaries = first->color_primaries;
    codec->color_trc = first->color_trc;
    codec->colorspace = first->colorspace;
    codec->chroma_sample_location = first->chroma_location;
    codec->framerate = plan->frame_rate;
    codec->time_base =
        plan->constant || plan->still ? av_inv_q(plan->frame_rate) : first->time_base;
    codec->thread_count = (int)plan->threads;
}

static int set_audio(AVCodecContext *codec, const struct fm_plan_stream *plan)
{
    codec->sample_fmt = plan->sample_format;
    codec->sample_rate = plan->sample_rate;
    codec->time_base = (AVRational){1, plan->sample_rate};
    fm_sound_layout(codec->codec_id, plan->channels, &codec->ch_layout);
    return codec->ch_layout.nb_channels == plan->channels ? 0 : AVERROR(ENOMEM);
}

bool fm_encode_open(struct fm_encode *encode, const AVFrame *first, struct fm_error *err)
{
    const struct fm_plan_stream *plan = encode->plan;
    AVDictionary *options = NULL;
    int result = 0;
    encode->codec = avcodec_alloc_context3(plan->encoder);
    encode->packet = av_packet_alloc();
    encode->next_pts = AV_NOPTS_VALUE;
    if (!encode->codec || !encode->packet) {
        return fm_libav_error_fail(err, AVERROR(ENOMEM), "encoder");
    }
    encode->codec->flags |= fm_mux_codec_flags(encode->mux);
    if (first) {
        set_video(encode->codec, plan, first);
    } else {
        result = set_audio(encode->codec, plan);
    }
    set_rate_control(encode->codec, plan, &options);
    if (result >= 0) {
        result = avcodec_open2(encode->codec, plan->encoder, &options);
    }
    av_dict_free(&options);
    /* The source is not to blame for settings that an encoder refuses. */
    if (result < 0 && result != AVERROR(ENOMEM)) {
        return fm_fail(err, FM_UNSUPPORTED_CODEC, "the encoder %s cannot be opened",
                       plan->encoder->name);
    }
    if (result < 0) {
        return fm_libav_error_fail(err, result, plan->encoder->name);
    }
    return fm_mux_add_encoder(encode->mux, encode->slot, encode->codec, err);
}

/* ---- times ---- */

/* Encoders want rising times. At a constant rate a frame that comes a little early moves to the
 * next free grid point; at an uneven rate a frame with the time of the one before has no room.
 * False: the frame is dropped. */
static bool set_video_pts(struct fm_encode *encode, AVFrame *frame)
{
    double exact = (double)frame->pts * av_q2d(frame->time_base) / av_q2d(encode->codec->time_base);
    int64_t pts =
        av_rescale_q_rnd(frame->pts, frame->time_base, encode->codec->time_base, AV_ROUND_NEAR_INF);
    if (encode->next_pts != AV_NOPTS_VALUE && pts < encode->next_pts) {
        if (!encode->plan->constant || exact <= (double)encode->next_pts - EARLIEST) {
            return false;
        }
        pts = encode->next_pts;
    }
    frame->pts = pts;
    encode->next_pts = pts + 1;
    encode->last_duration =
        av_rescale_q(fm_ffmpeg_duration(frame), frame->time_base, encode->codec->time_base);
    frame->pict_type = AV_PICTURE_TYPE_NONE;
    frame->quality = encode->codec->global_quality;
    return true;
}

static bool set_audio_pts(struct fm_encode *encode, AVFrame *frame)
{
    if (frame->pts != AV_NOPTS_VALUE) {
        frame->pts = av_rescale_q(frame->pts, frame->time_base, encode->codec->time_base);
    } else {
        frame->pts = encode->next_pts == AV_NOPTS_VALUE ? 0 : encode->next_pts;
    }
    encode->next_pts = frame->pts + frame->nb_samples;
    return true;
}

/* ---- frames ---- */

/* At an uneven rate no packet follows the last one to derive its duration from, so it gets the
 * duration of its frame. */
static void set_duration(const struct fm_encode *encode, AVPacket *packet)
{
    bool last = packet->pts != AV_NOPTS_VALUE && packet->pts == encode->next_pts - 1;
    bool video = encode->codec->codec_type == AVMEDIA_TYPE_VIDEO;
    if (video && last && !encode->plan->constant && encode->last_duration > 0) {
        packet->duration = encode->last_duration;
    }
}

static bool write_packets(struct fm_encode *encode, struct fm_error *err)
{
    for (;;) {
        int result = avcodec_receive_packet(encode->codec, encode->packet);
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) {
            return true;
        }
        if (result < 0) {
            return fm_libav_error_fail(err, result, "encode");
        }
        set_duration(encode, encode->packet);
        bool written = fm_mux_write(encode->mux, encode->slot, encode->packet, err);
        av_packet_unref(encode->packet);
        if (!written) {
            return false;
        }
    }
}

bool fm_encode_frame(struct fm_encode *encode, AVFrame *frame, struct fm_error *err)
{
    bool video = encode->codec->codec_type == AVMEDIA_TYPE_VIDEO;
    if (frame && !(video ? set_video_pts(encode, frame) : set_audio_pts(encode, frame))) {
        return true;
    }
    fm_fault("encode");
    int result = avcodec_send_frame(encode->codec, frame);
    return result < 0 ? fm_libav_error_fail(err, result, "encode") : write_packets(encode, err);
}

void fm_encode_done(struct fm_encode *encode)
{
    avcodec_free_context(&encode->codec);
    av_packet_free(&encode->packet);
}
