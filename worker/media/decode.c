/* libav's send and receive of decoding, and the times frames get from it. */
#include "worker/media/decode.h"

#include "worker/media/ffmpeg_versions.h"
#include "worker/media/input.h"
#include "worker/media/libav_error.h"

/* A stream of at most this many packets, none of which can be decoded, is the remains of a stream
 * (a file cut off in its first second, say) and not damage to report. */
#define REMAINS 8

static void discard_frame(void *item)
{
    AVFrame *frame = item;
    av_frame_free(&frame);
}

struct fm_pipe *fm_decode_pipe_new(void)
{
    return fm_pipe_new(FM_DECODE_FRAMES, FM_DECODE_FRAME_BYTES, discard_frame);
}

/* Theora's decoder fails with several threads when a chained Ogg file brings a second header. Audio
 * decoders have no threads to use. */
static int choose_thread_count(const struct fm_decode *decode)
{
    const AVCodecParameters *codec = decode->source->codecpar;
    bool many = codec->codec_type == AVMEDIA_TYPE_VIDEO && codec->codec_id != AV_CODEC_ID_THEORA;
    return many ? (int)decode->threads : 1;
}

static bool open_codec(struct fm_decode *decode, struct fm_error *err)
{
    const AVCodec *codec = avcodec_find_decoder(decode->source->codecpar->codec_id);
    decode->codec = codec ? avcodec_alloc_context3(codec) : NULL;
    decode->frame = av_frame_alloc();
    if (!decode->codec || !decode->frame) {
        return fm_libav_error_fail(err, codec ? AVERROR(ENOMEM) : AVERROR_DECODER_NOT_FOUND,
                                   "decoder");
    }
    int result = avcodec_parameters_to_context(decode->codec, decode->source->codecpar);
    decode->codec->pkt_timebase = decode->source->time_base;
    decode->codec->framerate = decode->source->avg_frame_rate;
    decode->codec->max_pixels = FM_INPUT_MAX_PIXELS;
    decode->codec->thread_count = choose_thread_count(decode);
    if (result >= 0) {
        result = avcodec_open2(decode->codec, codec, NULL);
    }
    decode->next_pts = AV_NOPTS_VALUE;
    decode->sample_carry = AV_NOPTS_VALUE;
    return result < 0 ? fm_libav_error_fail(err, result, codec->name) : true;
}

/* ---- times ---- */

/* The time the decoder made out of pts and dts; a frame without any follows the frame before. */
static void set_video_time(struct fm_decode *decode, AVFrame *frame)
{
    frame->time_base = decode->source->time_base;
    frame->pts = frame->best_effort_timestamp;
    if (frame->pts == AV_NOPTS_VALUE) {
        frame->pts = decode->next_pts == AV_NOPTS_VALUE ? 0 : decode->next_pts;
    }
    int64_t length = fm_ffmpeg_duration(frame);
    AVRational rate = decode->source->avg_frame_rate;
    if (length <= 0 && rate.num > 0 && rate.den > 0) {
        length = av_rescale_q(1, av_inv_q(rate), frame->time_base);
    }
    decode->next_pts = frame->pts + FFMAX(length, 1);
    if (decode->source->sample_aspect_ratio.num) {
        frame->sample_aspect_ratio = decode->source->sample_aspect_ratio;
    }
}

/* Audio times are counted in samples. Containers round each frame's time to their own clock, and
 * av_rescale_delta keeps those roundings from adding up. */
static void set_audio_time(struct fm_decode *decode, AVFrame *frame)
{
    frame->time_base = (AVRational){1, FFMAX(frame->sample_rate, 1)};
    if (frame->pts != AV_NOPTS_VALUE) {
        frame->pts = av_rescale_delta(decode->source->time_base, frame->pts, frame->time_base,
                                      frame->nb_samples, &decode->sample_carry, frame->time_base);
    } else {
        frame->pts = decode->next_pts == AV_NOPTS_VALUE ? 0 : decode->next_pts;
    }
    decode->next_pts = frame->pts + frame->nb_samples;
}

/* ---- frames ---- */

static size_t frame_bytes(const AVFrame *frame)
{
    size_t bytes = sizeof(*frame);
    for (size_t i = 0; i < FF_ARRAY_ELEMS(frame->buf) && frame->buf[i]; i++) {
        bytes += frame->buf[i]->size;
    }
    return bytes;
}

/* Waits as long as any open outlet is full: the slowest branch sets the speed. */
static bool hand_on_frame(struct fm_decode *decode, struct fm_error *err)
{
    AVFrame *frame = decode->frame;
    if (decode->source->codecpar->codec_type == AVMEDIA_TYPE_VIDEO) {
        set_video_time(decode, frame);
    } else {
        set_audio_time(decode, frame);
    }
    decode->frame_count++;
    for (size_t i = 0; i < decode->outlet_count; i++) {
        if (fm_pipe_is_closed(decode->outlets[i])) {
            continue;
        }
        AVFrame *copy = av_frame_clone(frame);
        if (!copy) {
            return fm_libav_error_fail(err, AVERROR(ENOMEM), "frame");
        }
        fm_pipe_put(decode->outlets[i], copy, frame_bytes(copy));
    }
    av_frame_unref(frame);
    return true;
}

static bool is_wanted(const struct fm_decode *decode)
{
    bool wanted = false;
    for (size_t i = 0; i < decode->outlet_count; i++) {
        wanted = wanted || !fm_pipe_is_closed(decode->outlets[i]);
    }
    return wanted;
}

/* Sends one packet to the codec (NULL at the end) and hands on every frame that comes out. Only a
 * lack of memory is an error; what cannot be decoded is counted and skipped. */
static bool decode_packet(struct fm_decode *decode, const AVPacket *packet, struct fm_error *err)
{
    int result = avcodec_send_packet(decode->codec, packet);
    decode->bad_count += packet && result < 0;
    while (result != AVERROR(ENOMEM)) {
        result = avcodec_receive_frame(decode->codec, decode->frame);
        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF) {
            return true;
        }
        if (result >= 0 && !hand_on_frame(decode, err)) {
            return false;
        }
        decode->bad_count += result < 0;
        if (result < 0 && packet) {
            return result == AVERROR(ENOMEM) ? fm_libav_error_fail(err, result, "decode") : true;
        }
    }
    return fm_libav_error_fail(err, result, "decode");
}

static bool decode_all(struct fm_decode *decode, struct fm_error *err)
{
    void *item = NULL;
    while (fm_pipe_get(decode->packets, &item)) {
        AVPacket *packet = item;
        decode->packet_count += packet != NULL;
        bool decoded = decode_packet(decode, packet, err);
        bool ended = !packet;
        av_packet_free(&packet);
        if (!decoded) {
            return false;
        }
        if (ended || !is_wanted(decode)) {
            break;
        }
    }
    return true;
}

/* The ffmpeg command gives up above two thirds of bad frames as well (-max_error_rate). A still
 * image needs one good frame, whatever the others are, so `whole` streams alone are judged. */
static bool check_damage(const struct fm_decode *decode, struct fm_error *err)
{
    uint64_t packets = decode->packet_count;
    bool is_lost = decode->frame_count == 0 && packets > REMAINS;
    bool is_bad = decode->whole && packets > REMAINS && decode->bad_count > packets / 3 * 2;
    if (!is_lost && !is_bad) {
        return true;
    }
    return fm_fail(err, FM_MEDIA_INVALID, "%llu frames of %llu packets of %s could be decoded",
                   (unsigned long long)decode->frame_count, (unsigned long long)packets,
                   avcodec_get_name(decode->source->codecpar->codec_id));
}

bool fm_decode_run(struct fm_decode *decode, struct fm_error *err)
{
    bool decoded = open_codec(decode, err) && decode_all(decode, err);
    /* A pipe that somebody else has closed was not read to its end, so its damage says nothing. */
    bool open = !fm_pipe_is_closed(decode->packets);
    fm_pipe_close(decode->packets);
    if (decoded && open && !check_damage(decode, err)) {
        return false;
    }
    for (size_t i = 0; decoded && i < decode->outlet_count; i++) {
        fm_pipe_finish(decode->outlets[i]);
    }
    return decoded;
}

void fm_decode_done(struct fm_decode *decode)
{
    avcodec_free_context(&decode->codec);
    av_frame_free(&decode->frame);
}
