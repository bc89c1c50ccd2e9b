/*
 * A lane for each stream: its packets wait there until the header is written and it is their turn.
 * Everything is under the mux's lock but the atomics, which fm_mux_progress reads without it, so
 * that reporting progress never waits for a slow disk.
 */
#include "worker/media/mux.h"

#include <errno.h>
#include <libavutil/fifo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "worker/media/ffmpeg_versions.h"
#include "worker/media/libav_error.h"
#include "worker/media/probe.h"
#include "worker/media/sink.h"

/* How many bytes of packets may wait, for the header or for packets of the other stream. Encoders
 * look ahead, video encoders further than audio encoders, so minutes of audio may have to wait for
 * video; that is seldom more than some megabytes. */
#define WAITING_BYTES (128UL << 20)

/* One stream of the file. It is planned, then settled (added, or left out because it ended without
 * being added), then ended. */
struct lane {
    bool planned, settled;
    atomic_bool ended;
    AVCodecParameters *parameters; /* NULL until the stream is added */
    AVRational time_base, frame_rate;
    const AVStream *source;
    bool is_remux;
    AVFifo *waiting;  /* AVPacket *, with times in time_base */
    AVStream *stream; /* of the muxer; NULL until the header is made */
    int64_t last_dts; /* in the muxer's time base */
    /* The packets that were written and are shown: the start of the first, the end of the last, and
     * the sum of their lengths, which is less than the difference if there are gaps. */
    double first_seconds, end_seconds, length_seconds;
    uint64_t shown;                  /* the number of those packets */
    atomic_uint_fast64_t packets;    /* written, whether shown or hidden by an edit list */
    atomic_int_fast64_t position_us; /* end_seconds, for fm_mux_progress */
};

struct fm_mux {
    pthread_mutex_t lock;
    const struct fm_plan *plan;
    const struct fm_plan_output *output;
    AVFormatContext *format;
    struct fm_sink *sink;
    struct lane lanes[FM_PLAN_SLOTS];
    bool has_header; /* it has been written */
    atomic_bool ended;
    size_t waiting_bytes;
};

bool fm_mux_new(const struct fm_plan *plan, const struct fm_plan_output *output, int fd,
                struct fm_mux **out, struct fm_error *err)
{
    FM_AUTO(fm_mux_destroy) struct fm_mux *mux = fm_alloc(sizeof(*mux));
    pthread_mutex_init(&mux->lock, NULL);
    mux->plan = plan;
    mux->output = output;
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        mux->lanes[i].planned = output->streams[i].way != FM_PLAN_NONE;
        mux->lanes[i].last_dts = AV_NOPTS_VALUE;
        mux->lanes[i].waiting = av_fifo_alloc2(64, sizeof(AVPacket *), AV_FIFO_FLAG_AUTO_GROW);
        if (!mux->lanes[i].waiting) {
            return fm_libav_error_fail(err, AVERROR(ENOMEM), "muxer");
        }
        av_fifo_auto_grow_limit(mux->lanes[i].waiting, WAITING_BYTES / sizeof(AVPacket) + 1);
    }
    int result = avformat_alloc_output_context2(&mux->format, NULL, output->format->muxer, NULL);
    if (result < 0) {
        return fm_libav_error_fail(err, result, "muxer");
    }
    if (!fm_sink_new(mux->format, fd, &mux->sink, err)) {
        return false;
    }
    *out = fm_steal(mux);
    return true;
}

int fm_mux_codec_flags(const struct fm_mux *mux)
{
    return mux->format->oformat->flags & AVFMT_GLOBALHEADER ? AV_CODEC_FLAG_GLOBAL_HEADER : 0;
}

/* ---- the header ---- */

/* Metadata that describes the source's file rather than its content; the muxer writes its own. */
static const char *const dropped_tags[] = {
    "creation_time", "encoder",       "company_name",      "product_name", "product_version",
    "major_brand",   "minor_version", "compatible_brands", "duration",     "rotate",
};

static int copy_tags(AVDictionary **to, const AVDictionary *from)
{
    int result = av_dict_copy(to, from, 0);
    for (size_t i = 0; i < FM_COUNT(dropped_tags) && result >= 0; i++) {
        result = av_dict_set(to, dropped_tags[i], NULL, 0);
    }
    return result;
}

/* A remux keeps all side data of its stream. After a transcode only what is still true stays: the
 * filter has already applied the display matrix, for instance. */
static bool side_data_stays(const struct lane *lane, enum AVPacketSideDataType type)
{
    return lane->is_remux || type == AV_PKT_DATA_MASTERING_DISPLAY_METADATA ||
           type == AV_PKT_DATA_CONTENT_LIGHT_LEVEL || type == AV_PKT_DATA_SPHERICAL ||
           type == AV_PKT_DATA_STEREO3D;
}

static int copy_side_data(const struct lane *lane)
{
    int count = 0;
    const AVPacketSideData *list = fm_ffmpeg_side_data_list(lane->source, &count);
    for (int i = 0; i < count; i++) {
        const AVPacketSideData *from = &list[i];
        if (!side_data_stays(lane, from->type)) {
            continue;
        }
        uint8_t *to = fm_ffmpeg_side_data_new(lane->stream, from->type, from->size);
        if (!to) {
            return AVERROR(ENOMEM);
        }
        memcpy(to, from->data, from->size);
    }
    return 0;
}

/* The muxers that write their index (the "moov" box) at the end unless told to move it. */
static bool is_mov(const AVOutputFormat *format)
{
    return !strcmp(format->name, "mp4") || !strcmp(format->name, "mov") ||
           !strcmp(format->name, "ipod");
}

/* The codec tag of a remuxed stream: the source's where the format knows it for this codec, else 0
 * for the muxer's default. HEVC becomes "hvc1" in MP4 and MOV, the only tag that Apple plays. */
static uint32_t choose_tag(const AVOutputFormat *format, const AVCodecParameters *codec)
{
    unsigned int known = 0;
    if (!format->codec_tag ||
        av_codec_get_id(format->codec_tag, codec->codec_tag) == codec->codec_id ||
        !av_codec_get_tag2(format->codec_tag, codec->codec_id, &known)) {
        return codec->codec_tag;
    }
    bool hevc = codec->codec_id == AV_CODEC_ID_HEVC;
    return hevc && is_mov(format) ? MKTAG('h', 'v', 'c', '1') : 0;
}

static int make_stream(struct fm_mux *mux, struct lane *lane)
{
    lane->stream = avformat_new_stream(mux->format, NULL);
    if (!lane->stream) {
        return AVERROR(ENOMEM);
    }
    int result = avcodec_parameters_copy(lane->stream->codecpar, lane->parameters);
    lane->stream->codecpar->codec_tag =
        lane->is_remux ? choose_tag(mux->format->oformat, lane->parameters) : 0;
    lane->stream->time_base = lane->time_base;
    lane->stream->avg_frame_rate = lane->frame_rate;
    lane->stream->sample_aspect_ratio = lane->parameters->sample_aspect_ratio;
    lane->stream->disposition = lane->source->disposition;
    if (result >= 0) {
        result = copy_tags(&lane->stream->metadata, lane->source->metadata);
    }
    return result >= 0 ? copy_side_data(lane) : result;
}

static bool write_ready(struct fm_mux *mux, struct fm_error *err);

/* "faststart" moves the index to the front, so that a player can start before it has the whole
 * file. */
static bool write_header(struct fm_mux *mux, struct fm_error *err)
{
    AVDictionary *options = NULL;
    int result = copy_tags(&mux->format->metadata, mux->plan->input->metadata);
    for (size_t i = 0; i < FM_PLAN_SLOTS && result >= 0; i++) {
        if (mux->lanes[i].parameters) {
            result = make_stream(mux, &mux->lanes[i]);
        }
    }
    if (result >= 0 && is_mov(mux->format->oformat)) {
        result = av_dict_set(&options, "movflags", "+faststart", 0);
    }
    if (result >= 0) {
        result = avformat_write_header(mux->format, &options);
    }
    av_dict_free(&options);
    if (result < 0) {
        return fm_libav_error_fail(err, result, "header");
    }
    mux->has_header = true;
    return write_ready(mux, err);
}

static bool are_all_settled(const struct fm_mux *mux)
{
    bool settled = true;
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        settled = settled && (!mux->lanes[i].planned || mux->lanes[i].settled);
    }
    return settled;
}

static bool has_streams(const struct fm_mux *mux)
{
    bool any = false;
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        any = any || mux->lanes[i].parameters;
    }
    return any;
}

/* Writes the header if this was the last lane to be settled and there is a stream at all. */
static bool settle_lane(struct fm_mux *mux, struct lane *lane, struct fm_error *err)
{
    lane->settled = true;
    return mux->has_header || !are_all_settled(mux) || !has_streams(mux) || write_header(mux, err);
}

bool fm_mux_add_encoder(struct fm_mux *mux, enum fm_plan_slot slot, const AVCodecContext *encoder,
                        struct fm_error *err)
{
    struct lane *lane = &mux->lanes[slot];
    pthread_mutex_lock(&mux->lock);
    lane->parameters = avcodec_parameters_alloc();
    lane->time_base = encoder->time_base;
    lane->frame_rate = encoder->framerate;
    lane->source = mux->output->streams[slot].source;
    int result = lane->parameters ? avcodec_parameters_from_context(lane->parameters, encoder)
                                  : AVERROR(ENOMEM);
    bool added = result < 0 ? fm_libav_error_fail(err, result, "encoder's stream")
                            : settle_lane(mux, lane, err);
    pthread_mutex_unlock(&mux->lock);
    return added;
}

AVRational fm_mux_remux_base(const AVStream *source)
{
    const AVCodecParameters *codec = source->codecpar;
    bool is_sound = codec->codec_type == AVMEDIA_TYPE_AUDIO && codec->sample_rate > 0;
    return is_sound ? (AVRational){1, codec->sample_rate} : source->time_base;
}

bool fm_mux_add_remux(struct fm_mux *mux, enum fm_plan_slot slot, const AVStream *source,
                      struct fm_error *err)
{
    struct lane *lane = &mux->lanes[slot];
    pthread_mutex_lock(&mux->lock);
    lane->parameters = avcodec_parameters_alloc();
    lane->time_base = fm_mux_remux_base(source);
    lane->frame_rate = source->avg_frame_rate;
    lane->source = source;
    lane->is_remux = true;
    int result = lane->parameters ? avcodec_parameters_copy(lane->parameters, source->codecpar)
                                  : AVERROR(ENOMEM);
    if (result >= 0 && source->sample_aspect_ratio.num) {
        lane->parameters->sample_aspect_ratio = source->sample_aspect_ratio;
    }
    bool added = result < 0 ? fm_libav_error_fail(err, result, "remuxed stream")
                            : settle_lane(mux, lane, err);
    pthread_mutex_unlock(&mux->lock);
    return added;
}

/* ---- packets ---- */

/* Muxers refuse decoding times that do not rise by at least one tick or lie behind the presentation
 * time. Those of damaged sources are moved. */
static void force_rising_times(const struct fm_mux *mux, struct lane *lane, AVPacket *packet)
{
    if (mux->format->oformat->flags & AVFMT_NOTIMESTAMPS || packet->dts == AV_NOPTS_VALUE) {
        return;
    }
    if (packet->pts != AV_NOPTS_VALUE && packet->dts > packet->pts) {
        packet->dts = packet->pts;
    }
    if (lane->last_dts != AV_NOPTS_VALUE && packet->dts <= lane->last_dts) {
        packet->dts = lane->last_dts + 1;
        if (packet->pts != AV_NOPTS_VALUE) {
            packet->pts = FFMAX(packet->pts, packet->dts);
        }
    }
    lane->last_dts = packet->dts;
}

/* Notes a packet that was written and is shown, by its time and duration in the muxer's ticks. */
static void note_shown(struct lane *lane, int64_t time, int64_t duration)
{
    double base = av_q2d(lane->stream->time_base), length = (double)duration * base;
    if (duration <= 0 && lane->frame_rate.num > 0) {
        length = av_q2d(av_inv_q(lane->frame_rate));
    }
    lane->length_seconds += length;
    if (time == AV_NOPTS_VALUE) {
        return;
    }
    double start = (double)time * base;
    lane->first_seconds = lane->shown > 0 ? FFMIN(lane->first_seconds, start) : start;
    lane->shown++;
    lane->end_seconds = FFMAX(lane->end_seconds, start + length);
    atomic_store(&lane->position_us, (int64_t)(lane->end_seconds * AV_TIME_BASE));
}

static bool write_packet(struct fm_mux *mux, struct lane *lane, AVPacket *packet,
                         struct fm_error *err)
{
    packet->stream_index = lane->stream->index;
    packet->pos = -1;
    av_packet_rescale_ts(packet, lane->time_base, lane->stream->time_base);
    force_rising_times(mux, lane, packet);
    int64_t time = packet->pts == AV_NOPTS_VALUE ? packet->dts : packet->pts;
    int64_t duration = packet->duration;
    bool shown = !(packet->flags & AV_PKT_FLAG_DISCARD);
    int result = av_interleaved_write_frame(mux->format, packet);
    /* The muxer has to rewrite some packets for the format (H.264 from Annex B, say). A damaged
     * packet it cannot rewrite is skipped. */
    if (result == AVERROR_INVALIDDATA && lane->is_remux) {
        return true;
    }
    if (result < 0) {
        return fm_libav_error_fail(err, result, "write");
    }
    atomic_fetch_add(&lane->packets, 1);
    if (shown) {
        note_shown(lane, time, duration);
    }
    return true;
}

/* Takes the packet's reference. */
static bool queue_packet(struct fm_mux *mux, struct lane *lane, AVPacket *packet,
                         struct fm_error *err)
{
    AVPacket *kept = av_packet_alloc();
    if (!kept || av_fifo_write(lane->waiting, &kept, 1) < 0) {
        av_packet_free(&kept);
        return fm_libav_error_fail(err, AVERROR(ENOMEM), "waiting packet");
    }
    av_packet_move_ref(kept, packet);
    mux->waiting_bytes += (size_t)kept->size + sizeof(*kept);
    return true;
}

/* Whether the first packet of `lane` is decoded before that of `other`. A packet without a time
 * goes at once. */
static bool comes_before(const struct lane *lane, const struct lane *other)
{
    AVPacket *packet = NULL, *others = NULL;
    (void)av_fifo_peek(lane->waiting, &packet, 1, 0);
    (void)av_fifo_peek(other->waiting, &others, 1, 0);
    if (packet->dts == AV_NOPTS_VALUE || others->dts == AV_NOPTS_VALUE) {
        return packet->dts == AV_NOPTS_VALUE;
    }
    return av_compare_ts(packet->dts, lane->time_base, others->dts, other->time_base) < 0;
}

/* The lane whose first packet is decoded next. NULL while an empty lane may still get an earlier
 * one, unless so much is waiting that it has to go now. */
static struct lane *find_next_lane(struct fm_mux *mux)
{
    struct lane *next = NULL;
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        struct lane *lane = &mux->lanes[i];
        bool any = av_fifo_can_read(lane->waiting) > 0;
        if (!any && lane->planned && !lane->ended && mux->waiting_bytes <= WAITING_BYTES) {
            return NULL;
        }
        if (any && (!next || comes_before(lane, next))) {
            next = lane;
        }
    }
    return next;
}

/* Writes every packet whose turn it is. libav has a queue of its own for that
 * (av_interleaved_write_frame), but it stops waiting after ten seconds of media, which a slow video
 * encoder can be behind the audio, and it does not know when a stream has ended. */
static bool write_ready(struct fm_mux *mux, struct fm_error *err)
{
    struct lane *lane;
    bool written = true;
    while (written && (lane = find_next_lane(mux))) {
        AVPacket *packet = NULL;
        (void)av_fifo_read(lane->waiting, &packet, 1);
        mux->waiting_bytes -= (size_t)packet->size + sizeof(*packet);
        written = write_packet(mux, lane, packet, err);
        av_packet_free(&packet);
    }
    return written;
}

/* Before the header nothing can be written, so there the limit on waiting bytes is an error. */
static bool accept_packet(struct fm_mux *mux, struct lane *lane, AVPacket *packet,
                          struct fm_error *err)
{
    if (!mux->has_header && mux->waiting_bytes > WAITING_BYTES) {
        return fm_fail(err, FM_MEDIA_INVALID, "one stream begins long after the other");
    }
    return queue_packet(mux, lane, packet, err) && (!mux->has_header || write_ready(mux, err));
}

bool fm_mux_write(struct fm_mux *mux, enum fm_plan_slot slot, AVPacket *packet,
                  struct fm_error *err)
{
    pthread_mutex_lock(&mux->lock);
    bool written = accept_packet(mux, &mux->lanes[slot], packet, err);
    pthread_mutex_unlock(&mux->lock);
    return written;
}

/* ---- the end ---- */

/* Video of which no packet is shown is empty. Audio is not: players play hidden audio as silence.
 */
static bool is_empty(const struct lane *lane, size_t slot)
{
    return lane->stream &&
           (atomic_load(&lane->packets) == 0 || (slot == FM_PLAN_VIDEO && lane->shown == 0));
}

/* Completes the file once every planned stream has ended. */
static bool finish_file(struct fm_mux *mux, struct fm_error *err)
{
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        if (mux->lanes[i].planned && !mux->lanes[i].ended) {
            return true;
        }
    }
    bool late = mux->output->part.start_seconds > 0;
    if (!mux->has_header) {
        return fm_fail(err, late ? FM_TRIM_OUTSIDE : FM_MEDIA_INVALID,
                       "%s: nothing could be decoded", mux->output->spec->name);
    }
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        if (is_empty(&mux->lanes[i], i)) {
            return fm_fail(err, FM_MEDIA_INVALID, "%s: a stream has no packet",
                           mux->output->spec->name);
        }
    }
    int result = av_write_trailer(mux->format);
    atomic_store(&mux->ended, true);
    return result < 0 ? fm_libav_error_fail(err, result, "trailer") : fm_sink_flush(mux->sink, err);
}

bool fm_mux_end(struct fm_mux *mux, enum fm_plan_slot slot, struct fm_error *err)
{
    struct lane *lane = &mux->lanes[slot];
    pthread_mutex_lock(&mux->lock);
    lane->ended = true;
    bool ended = (lane->settled || settle_lane(mux, lane, err)) &&
                 (!mux->has_header || write_ready(mux, err)) && finish_file(mux, err);
    pthread_mutex_unlock(&mux->lock);
    return ended;
}

void fm_mux_progress(struct fm_mux *mux, uint64_t *frames, double *seconds, bool *ended)
{
    int64_t behind = INT64_MAX, furthest = 0;
    *frames = atomic_load(&mux->lanes[FM_PLAN_VIDEO].packets);
    *ended = atomic_load(&mux->ended);
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        int64_t position = (int64_t)atomic_load(&mux->lanes[i].position_us);
        furthest = FFMAX(furthest, position);
        if (mux->lanes[i].planned && !atomic_load(&mux->lanes[i].ended)) {
            behind = FFMIN(behind, position);
        }
    }
    *seconds = (double)(behind == INT64_MAX ? furthest : behind) / AV_TIME_BASE;
}

/* The nominal frame rate if the average is within 2 % of it, else the average (at most the limit of
 * proto/messages.def). */
static double measure_rate(const struct lane *lane, uint64_t frames)
{
    double nominal = lane->frame_rate.num > 0 ? av_q2d(lane->frame_rate) : 0;
    double seconds = lane->end_seconds - lane->first_seconds;
    double measured = seconds > 0 ? (double)frames / seconds : nominal;
    bool borne_out = nominal > 0 && measured > nominal * 0.98 && measured < nominal * 1.02;
    return borne_out ? nominal : FFMIN(measured, 10000);
}

static void note_video(const struct fm_mux *mux, struct fm_arena *arena,
                       struct fm_file_facts *facts)
{
    const struct lane *lane = &mux->lanes[FM_PLAN_VIDEO];
    struct fm_video_facts *video = fm_arena_alloc(arena, sizeof(*video));
    bool still = mux->output->streams[FM_PLAN_VIDEO].still;
    fm_probe_video_facts(lane->stream, arena, video);
    video->frames = atomic_load(&lane->packets);
    video->frame_rate = still ? 0 : measure_rate(lane, video->frames);
    facts->video = video;
}

/* Whether packets lose their times in the file. libav does not flag WAV so, though WAV has no place
 * for times. */
static bool is_timeless(const AVOutputFormat *format)
{
    return format->flags & AVFMT_NOTIMESTAMPS || !strcmp(format->name, "wav");
}

void fm_mux_facts(struct fm_mux *mux, struct fm_arena *arena, struct fm_file_facts *facts)
{
    bool timeless = is_timeless(mux->format->oformat);
    double length = 0, end = 0;
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        const struct lane *lane = &mux->lanes[i];
        if (!lane->stream) {
            continue;
        }
        length = fmax(length, lane->length_seconds);
        end = fmax(end, lane->end_seconds);
    }
    if (mux->lanes[FM_PLAN_VIDEO].stream) {
        note_video(mux, arena, facts);
    }
    if (mux->lanes[FM_PLAN_AUDIO].stream) {
        struct fm_audio_facts *audio = fm_arena_alloc(arena, sizeof(*audio));
        fm_probe_audio_facts(mux->lanes[FM_PLAN_AUDIO].stream, arena, audio);
        facts->audio = audio;
    }
    if (facts->video && facts->audio) {
        facts->skew_seconds =
            mux->lanes[FM_PLAN_AUDIO].end_seconds - mux->lanes[FM_PLAN_VIDEO].end_seconds;
    }
    bool still = mux->output->streams[FM_PLAN_VIDEO].still;
    /* A file without times plays without gaps, so lengths add up. A file with times plays from zero
     * to the last end. */
    facts->duration_seconds = still ? 0 : fmax(timeless ? length : end, 0);
}

void fm_mux_destroy(struct fm_mux **pointer)
{
    struct fm_mux *mux = *pointer;
    if (!mux) {
        return;
    }
    for (size_t i = 0; i < FM_PLAN_SLOTS; i++) {
        AVPacket *packet = NULL;
        while (mux->lanes[i].waiting && av_fifo_read(mux->lanes[i].waiting, &packet, 1) >= 0) {
            av_packet_free(&packet);
        }
        av_fifo_freep2(&mux->lanes[i].waiting);
        avcodec_parameters_free(&mux->lanes[i].parameters);
    }
    avformat_free_context(mux->format);
    fm_sink_destroy(&mux->sink);
    pthread_mutex_destroy(&mux->lock);
    free(mux);
    *pointer = NULL;
}
