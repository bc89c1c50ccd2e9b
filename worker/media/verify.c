/*
 * One walk over all packets collects a track for each stream; then everything found is compared
 * with what was expected, and the first difference is the error.
 */
#include "worker/media/verify.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

#include "common/fault.h"
#include "common/memory.h"
#include "worker/media/input.h"
#include "worker/media/libav_error.h"
#include "worker/media/probe.h"

/* How far durations may be apart: the greater of the two. */
#define DURATION_SECONDS 0.5
#define DURATION_SHARE 0.02
/* How far the end of the audio may lie from where it was expected, relative to the video's end. */
#define SKEW_SECONDS 1.0

/* One stream, as its packets show it. */
struct track {
    uint64_t packets;
    int64_t last_dts;
    bool shown;        /* at least one packet is shown */
    double start, end; /* of the packets shown, in seconds */
    double longest;    /* the longest packet, in seconds */
};

struct walk {
    AVFormatContext *format;
    struct track tracks[FM_INPUT_MAX_STREAMS];
};

/* ---- the walk ---- */

static bool check_packet(const struct track *track, const AVPacket *packet, struct fm_error *err)
{
    if (packet->flags & AV_PKT_FLAG_CORRUPT) {
        return fm_fail(err, FM_VERIFY_FAILED, "stream %d: packet %llu is corrupt",
                       packet->stream_index, (unsigned long long)track->packets);
    }
    bool backwards = track->packets > 0 && packet->dts != AV_NOPTS_VALUE &&
                     track->last_dts != AV_NOPTS_VALUE && packet->dts < track->last_dts;
    if (backwards) {
        return fm_fail(err, FM_VERIFY_FAILED, "stream %d: time runs backwards at packet %llu",
                       packet->stream_index, (unsigned long long)track->packets);
    }
    return true;
}

/* A packet without a duration lasts until the next one, so the difference of two decoding times
 * counts as well. */
static void count_packet(struct track *track, const AVPacket *packet, AVRational base)
{
    int64_t lasts = packet->duration;
    if (track->packets > 0 && packet->dts != AV_NOPTS_VALUE && track->last_dts != AV_NOPTS_VALUE) {
        lasts = FFMAX(lasts, packet->dts - track->last_dts);
    }
    track->longest = fmax(track->longest, (double)lasts * av_q2d(base));
    int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    /* A packet that an edit list hides is decoded and not shown. */
    if (time != AV_NOPTS_VALUE && !(packet->flags & AV_PKT_FLAG_DISCARD)) {
        double start = (double)time * av_q2d(base);
        double end = (double)(time + packet->duration) * av_q2d(base);
        track->start = track->shown ? fmin(track->start, start) : start;
        track->end = track->shown ? fmax(track->end, end) : end;
        track->shown = true;
    }
    track->last_dts = packet->dts;
    track->packets++;
}

/* A stream may appear only in its packets, so the index is checked here too. */
static bool walk_packet(struct walk *walk, const AVPacket *packet, struct fm_error *err)
{
    if (packet->stream_index < 0 || packet->stream_index >= FM_INPUT_MAX_STREAMS) {
        return fm_fail(err, FM_VERIFY_FAILED, "stream %d", packet->stream_index);
    }
    struct track *track = &walk->tracks[packet->stream_index];
    if (!check_packet(track, packet, err)) {
        return false;
    }
    count_packet(track, packet, walk->format->streams[packet->stream_index]->time_base);
    return true;
}

static bool walk_packets(struct walk *walk, struct fm_error *err)
{
    FM_AUTO(av_packet_free) AVPacket *packet = av_packet_alloc();
    if (!packet) {
        return fm_libav_error_fail(err, AVERROR(ENOMEM), "packet");
    }
    int result;
    while ((result = av_read_frame(walk->format, packet)) >= 0) {
        bool good = walk_packet(walk, packet, err);
        av_packet_unref(packet);
        if (!good) {
            return false;
        }
    }
    if (result != AVERROR_EOF) {
        return fm_libav_error_fail(err, result, "walk");
    }
    return true;
}

/* ---- comparing: 0 and NULL are not expectations ---- */

static bool check_number(const char *what, uint64_t expected, uint64_t found, struct fm_error *err)
{
    if (expected && expected != found) {
        return fm_fail(err, FM_VERIFY_FAILED, "%s: %llu expected, %llu found", what,
                       (unsigned long long)expected, (unsigned long long)found);
    }
    return true;
}

static bool check_codec(const char *expected, const char *found, struct fm_error *err)
{
    if (expected && strcmp(expected, found) != 0) {
        return fm_fail(err, FM_VERIFY_FAILED, "codec: %s expected, %s found", expected, found);
    }
    return true;
}

static bool check_presence(const char *what, const void *expected, const void *found,
                           struct fm_error *err)
{
    if (!expected != !found) {
        return fm_fail(err, FM_VERIFY_FAILED, "%s: %s", what,
                       expected ? "missing" : "not expected");
    }
    return true;
}

static bool check_video(const struct fm_video_facts *expected, const struct fm_video_facts *found,
                        struct fm_error *err)
{
    if (!check_presence("video", expected, found, err)) {
        return false;
    }
    return !expected || (check_codec(expected->codec, found->codec, err) &&
                         check_number("width", expected->width, found->width, err) &&
                         check_number("height", expected->height, found->height, err) &&
                         check_number("frames", expected->frames, found->frames, err));
}

static bool check_audio(const struct fm_audio_facts *expected, const struct fm_audio_facts *found,
                        struct fm_error *err)
{
    if (!check_presence("audio", expected, found, err)) {
        return false;
    }
    return !expected ||
           (check_codec(expected->codec, found->codec, err) &&
            check_number("channels", expected->channels, found->channels, err) &&
            check_number("sample rate", expected->sample_rate, found->sample_rate, err));
}

/* The expected duration is what a player shows. In a file whose first packet is late it counts from
 * zero; in a file of a muxer that adds an offset of its own it counts from the first packet. The
 * file does not say which, so either may match. */
static bool check_duration(const char *what, double expected, double start, double length,
                           double slack, struct fm_error *err)
{
    double allowed = fmax(DURATION_SECONDS, expected * DURATION_SHARE) + slack;
    double from_zero = length + fmax(start, 0);
    if (expected > 0 && fabs(length - expected) > allowed && fabs(from_zero - expected) > allowed) {
        return fm_fail(err, FM_VERIFY_FAILED, "%s: %.3f s expected, %.3f found", what, expected,
                       length);
    }
    return true;
}

/* ---- the tracks ---- */

/* libav knows a stream's format only if it decoded at least one frame while opening. */
static bool check_decodable(const AVStream *stream, const struct track *track, struct fm_error *err)
{
    if (track->packets == 0) {
        return fm_fail(err, FM_VERIFY_FAILED, "stream %d is empty", stream->index);
    }
    if (stream->codecpar->format < 0) {
        return fm_fail(err, FM_VERIFY_FAILED, "stream %d cannot be decoded", stream->index);
    }
    return true;
}

static bool check_streams(const struct walk *walk, int video, int audio, struct fm_error *err)
{
    AVStream *const *streams = walk->format->streams;
    return (video < 0 || check_decodable(streams[video], &walk->tracks[video], err)) &&
           (audio < 0 || check_decodable(streams[audio], &walk->tracks[audio], err));
}

/* A source whose audio is shorter than its video makes outputs like that, so the skew that is
 * expected need not be 0. */
static bool check_skew(const struct walk *walk, int video, int audio, double expected,
                       struct fm_error *err)
{
    if (video < 0 || audio < 0) {
        return true;
    }
    double found = walk->tracks[audio].end - walk->tracks[video].end;
    if (fabs(found - expected) > SKEW_SECONDS + walk->tracks[video].longest) {
        return fm_fail(err, FM_VERIFY_FAILED, "audio ends %.3f s after video, %.3f expected", found,
                       expected);
    }
    return true;
}

/* The duration that the header claims, and the one its packets add up to. The last packet may lack
 * a duration; it lasts at most as long as the longest packet. */
static bool check_durations(const struct walk *walk, int video, int audio, double expected,
                            struct fm_error *err)
{
    const AVFormatContext *format = walk->format;
    double start = INFINITY, end = -INFINITY, longest = 0;
    for (int i = 0; i < FM_INPUT_MAX_STREAMS; i++) {
        if (i != video && i != audio) {
            continue;
        }
        start = fmin(start, walk->tracks[i].start);
        end = fmax(end, walk->tracks[i].end);
        longest = fmax(longest, walk->tracks[i].longest);
    }
    double header_start =
        format->start_time == AV_NOPTS_VALUE ? 0 : (double)format->start_time / AV_TIME_BASE;
    return check_duration("header", expected, header_start, fm_probe_duration(format), 0, err) &&
           check_duration("packets", expected, start, end - start, longest, err);
}

static const char *copy_text(struct fm_arena *arena, const char *text)
{
    return text ? fm_arena_strndup(arena, text, strlen(text)) : NULL;
}

static void fill_found(const struct walk *walk, const struct fm_file_facts *expect,
                       struct fm_arena *arena, struct fm_file_facts *found)
{
    AVFormatContext *format = walk->format;
    int video = fm_probe_video_stream(format), audio = fm_probe_audio_stream(format);
    found->name = copy_text(arena, expect->name);
    found->extension = copy_text(arena, expect->extension);
    found->content_type = copy_text(arena, expect->content_type);
    found->reason = copy_text(arena, expect->reason);
    found->duration_seconds = fm_probe_duration(format);
    if (video >= 0) {
        struct fm_video_facts *picture = fm_arena_alloc(arena, sizeof(*picture));
        fm_probe_video_facts(format->streams[video], arena, picture);
        picture->frames = walk->tracks[video].packets;
        found->video = picture;
    }
    if (audio >= 0) {
        struct fm_audio_facts *sound = fm_arena_alloc(arena, sizeof(*sound));
        fm_probe_audio_facts(format->streams[audio], arena, sound);
        found->audio = sound;
    }
}

static bool compare_facts(const struct walk *walk, const struct fm_file_facts *expect,
                          const struct fm_file_facts *found, struct fm_error *err)
{
    int video = fm_probe_video_stream(walk->format), audio = fm_probe_audio_stream(walk->format);
    return check_video(expect->video, found->video, err) &&
           check_audio(expect->audio, found->audio, err) &&
           check_streams(walk, video, audio, err) &&
           check_skew(walk, video, audio, expect->skew_seconds, err) &&
           check_durations(walk, video, audio, expect->duration_seconds, err);
}

/* With lseek, because the seal refuses the call that glibc makes for fstat(). The offset it leaves
 * does not matter: everything here reads with pread. */
static bool measure_file(int fd, int64_t *size_bytes, struct fm_error *err)
{
    *size_bytes = lseek(fd, 0, SEEK_END);
    return *size_bytes >= 0 || fm_fail_errno(err, "lseek");
}

static bool check_file(int fd, const struct fm_file_facts *expect, uint64_t max_seconds,
                       struct fm_arena *arena, struct fm_file_facts *found, struct fm_error *err)
{
    FM_AUTO(fm_input_destroy) struct fm_input *input = NULL;
    int64_t size_bytes = 0;
    /* Encoders may add a little to the longest source permitted. */
    uint64_t most_seconds = max_seconds + max_seconds / 50 + 1;
    if (!measure_file(fd, &size_bytes, err) ||
        !fm_input_open(fd, size_bytes, most_seconds, &input, err)) {
        return false;
    }
    struct walk walk = {.format = fm_input_format(input)};
    if (!walk_packets(&walk, err)) {
        return false;
    }
    *found = (struct fm_file_facts){.size_bytes = (uint64_t)size_bytes};
    fill_found(&walk, expect, arena, found);
    return compare_facts(&walk, expect, found, err);
}

bool fm_verify_file(int fd, const struct fm_file_facts *expect, uint64_t max_seconds,
                    struct fm_arena *arena, struct fm_file_facts *found, struct fm_error *err)
{
    fm_fault("verify");
    struct fm_error why = {0};
    if (check_file(fd, expect, max_seconds, arena, found, &why)) {
        return true;
    }
    /* A lack of memory is not the file's fault; every other error is. */
    bool is_ours = why.code == FM_RESOURCE_MEMORY || why.code == FM_SYSTEM;
    return fm_fail(err, is_ours ? why.code : FM_VERIFY_FAILED, "%s: %s",
                   expect->name ? expect->name : "?", why.detail);
}
