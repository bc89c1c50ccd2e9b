/* Which packets go into the file, and with what times. */
#include "worker/media/remux.h"

#include <math.h>

#include "worker/media/libav_error.h"

static bool add_to_mux(struct fm_remux *remux, struct fm_error *err)
{
    remux->added = true;
    return fm_mux_add_remux(remux->mux, remux->slot, remux->source, err);
}

/* A whole stream is added to the mux at once. Whether a part contains anything shows only when its
 * first packet comes. */
bool fm_remux_init(struct fm_remux *remux, struct fm_mux *mux, enum fm_plan_slot slot,
                   const struct fm_plan_output *output, struct fm_error *err)
{
    const AVStream *source = output->streams[slot].source;
    bool is_part = output->part.start_seconds > 0 || isfinite(output->part.end_seconds);
    double tick = av_q2d(source->time_base);
    *remux = (struct fm_remux){
        .mux = mux,
        .slot = slot,
        .source = source,
        .start = llround(output->part.start_seconds / tick),
        .end = isfinite(output->part.end_seconds) ? llround(output->part.end_seconds / tick)
                                                  : INT64_MAX,
        .sample_carry = AV_NOPTS_VALUE,
        .next_dts = AV_NOPTS_VALUE,
    };
    return is_part || add_to_mux(remux, err);
}

/* Containers round audio times to their own clock. Counted in samples (the time base of the mux)
 * they are exact again. */
static void smooth_sound(struct fm_remux *remux, AVPacket *packet)
{
    AVCodecParameters *codec = remux->source->codecpar;
    AVRational from = remux->source->time_base, to = fm_mux_remux_base(remux->source);
    int samples = av_get_audio_frame_duration2(codec, packet->size);
    if (samples <= 0) {
        samples = codec->frame_size;
    }
    if (packet->dts != AV_NOPTS_VALUE) {
        packet->dts = packet->pts =
            av_rescale_delta(from, packet->dts, to, samples, &remux->sample_carry, to);
    }
    packet->duration = av_rescale_q(packet->duration, from, to);
}

static bool is_sound(const struct fm_remux *remux)
{
    const AVCodecParameters *codec = remux->source->codecpar;
    return codec->codec_type == AVMEDIA_TYPE_AUDIO && codec->sample_rate > 0;
}

static int64_t packet_length(const struct fm_remux *remux, const AVPacket *packet)
{
    AVRational rate = remux->source->avg_frame_rate;
    if (packet->duration > 0 || rate.num <= 0 || rate.den <= 0) {
        return packet->duration;
    }
    return av_rescale_q(1, av_inv_q(rate), remux->source->time_base);
}

/* Matroska stores no decoding times, and libav leaves the first ones open. They start as many
 * frames before the first presentation time as the codec may reorder, and go on from there. */
static void set_decoding_time(struct fm_remux *remux, AVPacket *packet)
{
    int64_t length = packet_length(remux, packet), delay = remux->source->codecpar->video_delay;
    bool open = packet->dts == AV_NOPTS_VALUE;
    if (open && (delay == 0 || packet->pts == AV_NOPTS_VALUE)) {
        packet->dts = packet->pts;
    } else if (open && remux->next_dts == AV_NOPTS_VALUE) {
        packet->dts = packet->pts - delay * length;
    } else if (open) {
        packet->dts = FFMIN(remux->next_dts, packet->pts);
    }
    if (packet->dts != AV_NOPTS_VALUE) {
        remux->next_dts = packet->dts + length;
    }
}

/* Takes the packet in any case. */
static bool write_packet(struct fm_remux *remux, AVPacket *packet, struct fm_error *err)
{
    set_decoding_time(remux, packet);
    if (is_sound(remux)) {
        smooth_sound(remux, packet);
    }
    bool written = (remux->added || add_to_mux(remux, err)) &&
                   fm_mux_write(remux->mux, remux->slot, packet, err);
    av_packet_free(&packet);
    return written;
}

/* A shown packet follows, and its frame may need the hidden ones. Empties the list in any case. */
static bool write_held(struct fm_remux *remux, struct fm_error *err)
{
    bool written = true;
    for (size_t i = 0; i < remux->held_count; i++) {
        if (written) {
            written = write_packet(remux, remux->held[i], err);
        } else {
            av_packet_free(&remux->held[i]);
        }
        remux->held[i] = NULL;
    }
    remux->held_count = 0;
    return written;
}

/* Takes the packet. If this many hidden packets have come in a row, they are the ones behind the
 * film, and those beyond the limit are dropped. */
static void hold_packet(struct fm_remux *remux, AVPacket *packet)
{
    if (remux->held_count < FM_REMUX_HELD) {
        remux->held[remux->held_count++] = packet;
    } else {
        av_packet_free(&packet);
    }
}

/* Whether the packet lies before or after the part. The start is a keyframe's time that was
 * converted to seconds and back, so one tick of difference does not count. A frame is never decoded
 * after it is shown: once decoding times reach the end, everything shown before it has come. */
static bool is_outside(struct fm_remux *remux, const AVPacket *packet)
{
    int64_t shown = packet->pts == AV_NOPTS_VALUE ? packet->dts : packet->pts;
    int64_t decoded = packet->dts == AV_NOPTS_VALUE ? shown : packet->dts;
    if (shown == AV_NOPTS_VALUE) {
        return false;
    }
    remux->ended = decoded >= remux->end;
    return remux->ended || (remux->start > 0 && shown + 1 < remux->start);
}

static void move_times(const struct fm_remux *remux, AVPacket *packet)
{
    if (packet->pts != AV_NOPTS_VALUE) {
        packet->pts -= remux->start;
    }
    if (packet->dts != AV_NOPTS_VALUE) {
        packet->dts -= remux->start;
    }
}

bool fm_remux_packet(struct fm_remux *remux, const AVPacket *packet, struct fm_error *err)
{
    bool behind = packet->pts != AV_NOPTS_VALUE && packet->pts >= remux->end;
    bool hidden = behind || packet->flags & AV_PKT_FLAG_DISCARD;
    if (remux->ended || is_outside(remux, packet)) {
        return true;
    }
    /* No decoder can start before the first keyframe. */
    if (!remux->started && !(packet->flags & AV_PKT_FLAG_KEY)) {
        return true;
    }
    remux->started = true;
    AVPacket *copy = av_packet_clone(packet);
    if (!copy) {
        return fm_libav_error_fail(err, AVERROR(ENOMEM), "remux");
    }
    move_times(remux, copy);
    if (hidden && remux->shown) {
        hold_packet(remux, copy);
        return true;
    }
    remux->shown = remux->shown || !hidden;
    if (write_held(remux, err)) {
        return write_packet(remux, copy, err);
    }
    av_packet_free(&copy);
    return false;
}

bool fm_remux_end(struct fm_remux *remux, struct fm_error *err)
{
    return fm_mux_end(remux->mux, remux->slot, err);
}

void fm_remux_done(struct fm_remux *remux)
{
    for (size_t i = 0; i < remux->held_count; i++) {
        av_packet_free(&remux->held[i]);
    }
    remux->held_count = 0;
}
