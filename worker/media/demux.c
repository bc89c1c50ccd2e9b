/* The loop that reads packets, and the clock they are put on. */
#include "worker/media/demux.h"

#include <errno.h>
#include <stdlib.h>

#include "worker/media/libav_error.h"
#include "worker/media/seek.h"

/* A clock that moves on by more than JUMP_US between two packets, or back by more than BACK_US, has
 * jumped. The bounds are those of the ffmpeg command (-dts_delta_threshold). */
#define JUMP_US (10 * (int64_t)AV_TIME_BASE)
#define BACK_US (AV_TIME_BASE / 10)
/* av_read_frame may return EAGAIN without having read anything; after this many times in a row the
 * source is taken to have ended, so that a demuxer cannot loop for ever. */
#define AGAIN_LIMIT 1000

static void discard_packet(void *item)
{
    AVPacket *packet = item;
    av_packet_free(&packet);
}

struct fm_pipe *fm_demux_pipe_new(void)
{
    return fm_pipe_new(FM_DEMUX_PACKETS, FM_DEMUX_PACKET_BYTES, discard_packet);
}

static struct fm_demux_stream *find_stream(struct fm_demux *demux, int index)
{
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        if (demux->streams[i].source && demux->streams[i].source->index == index) {
            return &demux->streams[i];
        }
    }
    return NULL;
}

/* ---- times ---- */

/* By how much this packet's time differs from the one expected of its stream, or of the file if the
 * stream has had no packet yet; 0 unless that is a jump. */
static int64_t measure_jump(const struct fm_demux *demux, const struct fm_demux_stream *stream,
                            int64_t dts_us)
{
    int64_t expected = stream->next_us != AV_NOPTS_VALUE ? stream->next_us : demux->last_us;
    if (expected == AV_NOPTS_VALUE) {
        return 0;
    }
    int64_t delta = av_sat_sub64(dts_us, expected);
    bool is_back =
        stream->reached_us != AV_NOPTS_VALUE && dts_us < av_sat_sub64(stream->reached_us, BACK_US);
    return delta > JUMP_US || delta < -JUMP_US || is_back ? delta : 0;
}

static void shift_times(AVPacket *packet, AVRational base, int64_t us)
{
    int64_t ticks = av_rescale_q(us, AV_TIME_BASE_Q, base);
    if (packet->dts != AV_NOPTS_VALUE) {
        packet->dts += ticks;
    }
    if (packet->pts != AV_NOPTS_VALUE) {
        packet->pts += ticks;
    }
}

/* Hidden packets (edit lists) are decoded and not shown, so they do not count. */
static void note_shown(struct fm_demux_stream *stream, const AVPacket *packet)
{
    int64_t at = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (at != AV_NOPTS_VALUE && !(packet->flags & AV_PKT_FLAG_DISCARD)) {
        stream->shown_us =
            FFMAX(stream->shown_us, av_rescale_q(at, stream->source->time_base, AV_TIME_BASE_Q));
    }
}

/* input has checked the duration the header claims; the packets may go on for longer. */
static bool check_length(const struct fm_demux *demux, struct fm_error *err)
{
    int64_t seconds = demux->last_us == AV_NOPTS_VALUE ? 0 : demux->last_us / AV_TIME_BASE;
    if (demux->max_seconds > 0 && seconds > (int64_t)demux->max_seconds) {
        return fm_fail(err, FM_MEDIA_TOO_LONG, "the source is longer than %llu s",
                       (unsigned long long)demux->max_seconds);
    }
    return true;
}

/* Puts the packet on the output's clock. Once a stream has jumped, the same correction applies to
 * every stream, so that audio and video stay together. */
static void set_times(struct fm_demux *demux, struct fm_demux_stream *stream, AVPacket *packet)
{
    AVRational base = stream->source->time_base;
    shift_times(packet, base, demux->shift_us);
    if (packet->dts == AV_NOPTS_VALUE) {
        note_shown(stream, packet);
        return;
    }
    int64_t dts_us = av_rescale_q(packet->dts, base, AV_TIME_BASE_Q);
    bool may_jump = demux->input->iformat->flags & AVFMT_TS_DISCONT;
    int64_t jump = may_jump ? measure_jump(demux, stream, dts_us) : 0;
    if (jump) {
        demux->shift_us -= jump;
        shift_times(packet, base, -jump);
        dts_us -= jump;
    }
    note_shown(stream, packet);
    demux->last_us = stream->reached_us = dts_us;
    atomic_store(&demux->position_us, dts_us);
    stream->next_us = dts_us + av_rescale_q(packet->duration, base, AV_TIME_BASE_Q);
}

/* ---- packets ---- */

/* Takes the packet in any case. Waits while the decoder's pipe is full; a remux never waits. */
static bool deliver_packet(struct fm_demux_stream *stream, AVPacket *packet, struct fm_error *err)
{
    for (size_t i = 0; i < stream->remux_count; i++) {
        if (!fm_remux_packet(&stream->remuxes[i], packet, err)) {
            av_packet_free(&packet);
            return false;
        }
    }
    size_t bytes = (size_t)packet->size + sizeof(*packet);
    if (!stream->decode) {
        av_packet_free(&packet);
    } else {
        fm_pipe_put(stream->decode, packet, bytes);
    }
    return true;
}

/* Whether some remux of the stream has not reached the end of its part. */
static bool is_remuxed(const struct fm_demux_stream *stream)
{
    for (size_t i = 0; i < stream->remux_count; i++) {
        if (!stream->remuxes[i].ended) {
            return true;
        }
    }
    return false;
}

static bool is_wanted(const struct fm_demux *demux)
{
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        const struct fm_demux_stream *stream = &demux->streams[i];
        if (is_remuxed(stream) || (stream->decode && !fm_pipe_is_closed(stream->decode))) {
            return !atomic_load(demux->aborted);
        }
    }
    return false;
}

/* False at the source's end. A read error counts as the end, as it does for players: what was read
 * so far is still of use. The pipeline decides later whether too much is missing. */
static bool read_packet(struct fm_demux *demux, AVPacket *packet)
{
    int result = AVERROR(EAGAIN);
    for (int i = 0; i < AGAIN_LIMIT && result == AVERROR(EAGAIN); i++) {
        result = av_read_frame(demux->input, packet);
    }
    return result >= 0;
}

static bool read_all(struct fm_demux *demux, struct fm_error *err)
{
    while (is_wanted(demux)) {
        AVPacket *packet = av_packet_alloc();
        if (!packet) {
            return fm_libav_error_fail(err, AVERROR(ENOMEM), "packet");
        }
        if (!read_packet(demux, packet)) {
            av_packet_free(&packet);
            return true;
        }
        struct fm_demux_stream *stream = find_stream(demux, packet->stream_index);
        if (!stream) {
            av_packet_free(&packet);
            continue;
        }
        set_times(demux, stream, packet);
        if (!deliver_packet(stream, packet, err) || !check_length(demux, err)) {
            return false;
        }
    }
    return true;
}

/* Tells every stage that no packet will follow. */
static bool finish_streams(struct fm_demux *demux, struct fm_error *err)
{
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        struct fm_demux_stream *stream = &demux->streams[i];
        if (stream->decode) {
            fm_pipe_finish(stream->decode);
        }
        for (size_t k = 0; k < stream->remux_count; k++) {
            if (!fm_remux_end(&stream->remuxes[k], err)) {
                return false;
            }
        }
    }
    return true;
}

/* libav drops the packets of streams that no output uses before they cost anything. */
static void start_reading(struct fm_demux *demux)
{
    AVFormatContext *input = demux->input;
    demux->shift_us = -fm_seek_start_us(input);
    demux->last_us = AV_NOPTS_VALUE;
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        demux->streams[i].next_us = demux->streams[i].reached_us = AV_NOPTS_VALUE;
    }
    for (unsigned i = 0; i < input->nb_streams; i++) {
        if (!find_stream(demux, (int)i)) {
            input->streams[i]->discard = AVDISCARD_ALL;
        }
    }
    /* A source that cannot seek is read from its start, which is slower and gives the same output.
     */
    if (demux->seek_seconds > 0 || demux->rewind) {
        (void)fm_seek_to(input, demux->seek_seconds);
    }
}

bool fm_demux_run(struct fm_demux *demux, struct fm_error *err)
{
    start_reading(demux);
    return read_all(demux, err) && finish_streams(demux, err);
}
