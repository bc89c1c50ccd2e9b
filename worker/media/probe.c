/*
 * Facts of a source in our own records. Every number is clamped to what a message may carry, for
 * the source's header can claim anything.
 */
#include "worker/media/probe.h"

#include <libavutil/display.h>
#include <math.h>
#include <string.h>

#include "common/memory.h"
#include "worker/media/ffmpeg_versions.h"

/* The ranges of proto/messages.def: the worker refuses a message with a number outside them. */
#define MAX_SECONDS 1e9
#define MAX_FRAME_RATE 10000.0
#define MAX_CHANNELS 255
#define MAX_SAMPLE_RATE 1000000
/* Every Opus stream is played at this rate, whatever rate it was encoded from (RFC 7845, 5.1). */
#define OPUS_SAMPLE_RATE 48000
/* libav's own names are shorter; the bounds keep a future one within messages.def. */
#define CODEC_NAME_LENGTH 32
#define CONTAINER_NAME_LENGTH 64

/* A cover picture is a video stream to libav; nobody asks for a film of it. */
static bool is_picture(const AVStream *stream)
{
    return stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
           !(stream->disposition & AV_DISPOSITION_ATTACHED_PIC);
}

static bool is_sized_picture(const AVStream *stream)
{
    return is_picture(stream) && stream->codecpar->width > 0 && stream->codecpar->height > 0;
}

int fm_probe_video_stream(AVFormatContext *format)
{
    int best = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (best < 0) {
        return -1;
    }
    if (is_sized_picture(format->streams[best])) {
        return best;
    }
    for (unsigned i = 0; i < format->nb_streams; i++) {
        if (is_sized_picture(format->streams[i])) {
            return (int)i;
        }
    }
    return -1;
}

int fm_probe_audio_stream(AVFormatContext *format)
{
    int best = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    return best < 0 ? -1 : best;
}

double fm_probe_duration(const AVFormatContext *format)
{
    if (format->duration == AV_NOPTS_VALUE || format->duration <= 0) {
        return 0;
    }
    int64_t duration = format->duration;
    /* libav reports a length for every container but Matroska, where it reports the time at which
     * the last frame ends. */
    bool is_end = !strncmp(format->iformat->name, "matroska", 8);
    if (is_end && format->start_time > 0 && format->start_time < duration) {
        duration -= format->start_time;
    }
    return fmin((double)duration / AV_TIME_BASE, MAX_SECONDS);
}

static bool read_display_matrix(const AVStream *stream, int32_t matrix[9])
{
    size_t needed = 9 * sizeof(*matrix);
    const AVPacketSideData *side = fm_ffmpeg_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX);
    if (!side || side->size < needed) {
        return false;
    }
    memcpy(matrix, side->data, needed);
    return true;
}

int fm_probe_rotation(const AVStream *stream)
{
    int32_t matrix[9];
    if (!read_display_matrix(stream, matrix)) {
        return 0;
    }
    /* libav counts counterclockwise, and returns NaN for a matrix that squeezes the picture flat.
     */
    double degrees = -av_display_rotation_get(matrix);
    if (!isfinite(degrees)) {
        return 0;
    }
    int quarters = (int)lround(degrees / 90.0) % 4;
    return (quarters + 4) % 4 * 90;
}

/* The matrix is 3 x 3, row by row; the upper left 2 x 2 turn and mirror ([0 1; 3 4]). Upright is a
 * diagonal without a negative number. */
bool fm_probe_is_turned(const AVStream *stream)
{
    int32_t matrix[9];
    return read_display_matrix(stream, matrix) &&
           (matrix[0] < 0 || matrix[1] != 0 || matrix[3] != 0 || matrix[4] < 0);
}

/* Hidden entries count only once a shown one follows: what is hidden behind the last shown packet
 * is never decoded. */
double fm_probe_hidden(AVStream *stream)
{
    int64_t hidden = 0, pending = 0;
    int count = avformat_index_get_entries_count(stream);
    for (int i = 0; i < count; i++) {
        const AVIndexEntry *entry = avformat_index_get_entry(stream, i);
        const AVIndexEntry *next = avformat_index_get_entry(stream, i + 1);
        if (entry->flags & AVINDEX_DISCARD_FRAME) {
            int64_t length = next ? av_sat_sub64(next->timestamp, entry->timestamp) : 0;
            pending = av_sat_add64(pending, FFMAX(length, 0));
            continue;
        }
        hidden = av_sat_add64(hidden, pending);
        pending = 0;
    }
    return (double)hidden * av_q2d(stream->time_base);
}

/* The average, or libav's guess where the file gives no average (0 if there is neither). */
static double frame_rate(const AVStream *stream)
{
    AVRational rate = stream->avg_frame_rate;
    if (rate.num <= 0 || rate.den <= 0) {
        rate = stream->r_frame_rate;
    }
    if (rate.num <= 0 || rate.den <= 0) {
        return 0;
    }
    return fmin(av_q2d(rate), MAX_FRAME_RATE);
}

static const char *codec_name(const AVStream *stream, struct fm_arena *arena)
{
    const char *name = avcodec_get_name(stream->codecpar->codec_id);
    return fm_arena_strndup(arena, name, strnlen(name, CODEC_NAME_LENGTH));
}

void fm_probe_video_facts(const AVStream *stream, struct fm_arena *arena,
                          struct fm_video_facts *facts)
{
    bool turned = fm_probe_rotation(stream) % 180 != 0;
    uint64_t width = (uint64_t)FFMAX(stream->codecpar->width, 0);
    uint64_t height = (uint64_t)FFMAX(stream->codecpar->height, 0);
    *facts = (struct fm_video_facts){
        .codec = codec_name(stream, arena),
        .width = turned ? height : width,
        .height = turned ? width : height,
        .frame_rate = frame_rate(stream),
    };
}

void fm_probe_audio_facts(const AVStream *stream, struct fm_arena *arena,
                          struct fm_audio_facts *facts)
{
    const AVCodecParameters *codec = stream->codecpar;
    int rate = codec->codec_id == AV_CODEC_ID_OPUS ? OPUS_SAMPLE_RATE : codec->sample_rate;
    *facts = (struct fm_audio_facts){
        .codec = codec_name(stream, arena),
        .channels = (uint64_t)av_clip(codec->ch_layout.nb_channels, 0, MAX_CHANNELS),
        .sample_rate = (uint64_t)av_clip(rate, 0, MAX_SAMPLE_RATE),
    };
}

/* A picture whose size could not be read is damage; a file without any stream is not media.
 * Animated WebP is a picture that libav finds and cannot decode. */
static bool fail_without_streams(const AVFormatContext *format, struct fm_error *err)
{
    for (unsigned i = 0; i < format->nb_streams; i++) {
        if (is_picture(format->streams[i])) {
            bool webp = format->streams[i]->codecpar->codec_id == AV_CODEC_ID_WEBP;
            return fm_fail(err, webp ? FM_UNSUPPORTED_CODEC : FM_MEDIA_INVALID,
                           "stream %u: the size of its pictures is unknown", i);
        }
    }
    return fm_fail(err, FM_NO_MEDIA_FOUND, "the file has neither picture nor sound");
}

bool fm_probe_source(AVFormatContext *format, struct fm_arena *arena, struct fm_source_facts *facts,
                     struct fm_error *err)
{
    int video = fm_probe_video_stream(format), audio = fm_probe_audio_stream(format);
    if (video < 0 && audio < 0) {
        return fail_without_streams(format, err);
    }
    const char *container = format->iformat->name;
    *facts = (struct fm_source_facts){
        .container = fm_arena_strndup(arena, container, strnlen(container, CONTAINER_NAME_LENGTH)),
        .duration_seconds = fm_probe_duration(format),
    };
    if (video >= 0) {
        struct fm_video_facts *picture = fm_arena_alloc(arena, sizeof(*picture));
        fm_probe_video_facts(format->streams[video], arena, picture);
        facts->video = picture;
    }
    if (audio >= 0) {
        struct fm_audio_facts *sound = fm_arena_alloc(arena, sizeof(*sound));
        fm_probe_audio_facts(format->streams[audio], arena, sound);
        facts->audio = sound;
    }
    return true;
}
