/* Facts out of an opened source, in our own records. */
#include "worker/media/probe.h"

#include <errno.h>
#include <libavutil/display.h>
#include <math.h>
#include <string.h>

#include "common/memory.h"
#include "worker/media/ffmpeg_versions.h"

/* The table's ranges (messages.def): a hostile header must not make a message that cannot be sent.
 */
#define MAX_SECONDS 1e9
#define MAX_FRAME_RATE 10000.0
#define MAX_CHANNELS 255
#define MAX_SAMPLE_RATE 1000000
/* What every Opus stream is played at, whatever it was made of (RFC 7845, 5.1). */
#define OPUS_SAMPLE_RATE 48000

static const struct {
    int averror;
    enum fm_error_code code;
} codes[] = {
    {AVERROR(ENOMEM), FM_RESOURCE_MEMORY},
    {AVERROR(ENOSPC), FM_RESOURCE_DISK},
    {AVERROR(EDQUOT), FM_RESOURCE_DISK},
    {AVERROR(EFBIG), FM_RESOURCE_DISK},
    {AVERROR_DECODER_NOT_FOUND, FM_UNSUPPORTED_CODEC},
    {AVERROR_ENCODER_NOT_FOUND, FM_UNSUPPORTED_CODEC},
    {AVERROR_PATCHWELCOME, FM_UNSUPPORTED_CODEC},
    {AVERROR(ENOSYS), FM_UNSUPPORTED_CODEC},
    {AVERROR_DEMUXER_NOT_FOUND, FM_UNSUPPORTED_CONTAINER},
    {AVERROR_BUG, FM_INTERNAL},
    {AVERROR_BUG2, FM_INTERNAL},
};

bool fm_probe_fail(struct fm_error *err, int averror, const char *what)
{
    enum fm_error_code code = FM_MEDIA_INVALID;
    for (size_t i = 0; i < FM_COUNT(codes); i++) {
        if (codes[i].averror == averror) {
            code = codes[i].code;
        }
    }
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(averror, text, sizeof(text));
    return fm_fail(err, code, "%s: %s", what, text);
}

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
    /* Matroska's is where the last frame ends, counted from zero; all others come out of libav as a
     * length. */
    bool is_end = !strncmp(format->iformat->name, "matroska", 8);
    if (is_end && format->start_time > 0 && format->start_time < duration) {
        duration -= format->start_time;
    }
    return fmin((double)duration / AV_TIME_BASE, MAX_SECONDS);
}

static bool read_matrix(const AVStream *stream, int32_t matrix[9])
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
    if (!read_matrix(stream, matrix)) {
        return 0;
    }
    double degrees = -av_display_rotation_get(matrix);
    if (!isfinite(degrees)) {
        return 0;
    }
    int quarters = (int)lround(degrees / 90.0) % 4;
    return (quarters + 4) % 4 * 90;
}

bool fm_probe_is_turned(const AVStream *stream)
{
    int32_t matrix[9];
    return read_matrix(stream, matrix) &&
           (matrix[0] < 0 || matrix[1] != 0 || matrix[3] != 0 || matrix[4] < 0);
}

double fm_probe_hidden(AVStream *stream)
{
    int64_t hidden = 0, waiting = 0;
    int count = avformat_index_get_entries_count(stream);
    for (int i = 0; i < count; i++) {
        const AVIndexEntry *entry = avformat_index_get_entry(stream, i);
        const AVIndexEntry *next = avformat_index_get_entry(stream, i + 1);
        if (entry->flags & AVINDEX_DISCARD_FRAME) {
            int64_t length = next ? av_sat_sub64(next->timestamp, entry->timestamp) : 0;
            waiting = av_sat_add64(waiting, FFMAX(length, 0));
            continue;
        }
        hidden = av_sat_add64(hidden, waiting);
        waiting = 0;
    }
    return (double)hidden * av_q2d(stream->time_base);
}

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
    return fm_arena_strndup(arena, name, strnlen(name, 32));
}

void fm_probe_video_facts(const AVFormatContext *format, const AVStream *stream,
                          struct fm_arena *arena, struct fm_video_facts *facts)
{
    (void)format;
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

/* A picture whose size could not be read is damage, no streams at all is no media. WebP that moves
 * is a picture libav cannot read. */
static bool fail_empty(const AVFormatContext *format, struct fm_error *err)
{
    for (unsigned i = 0; i < format->nb_streams; i++) {
        if (is_picture(format->streams[i])) {
            bool webp = format->streams[i]->codecpar->codec_id == AV_CODEC_ID_WEBP;
            return fm_fail(err, webp ? FM_UNSUPPORTED_CODEC : FM_MEDIA_INVALID,
                           "stream %u: a picture of unknown size", i);
        }
    }
    return fm_fail(err, FM_NO_MEDIA_FOUND, "neither picture nor sound");
}

bool fm_probe_source(struct fm_input *input, struct fm_arena *arena, struct fm_source_facts *facts,
                     struct fm_error *err)
{
    AVFormatContext *format = fm_input_format(input);
    int video = fm_probe_video_stream(format), audio = fm_probe_audio_stream(format);
    if (video < 0 && audio < 0) {
        return fail_empty(format, err);
    }
    const char *container = format->iformat->name;
    *facts = (struct fm_source_facts){
        .container = fm_arena_strndup(arena, container, strnlen(container, 64)),
        .duration_seconds = fm_probe_duration(format),
    };
    if (video >= 0) {
        struct fm_video_facts *picture = fm_arena_alloc(arena, sizeof(*picture));
        fm_probe_video_facts(format, format->streams[video], arena, picture);
        facts->video = picture;
    }
    if (audio >= 0) {
        struct fm_audio_facts *sound = fm_arena_alloc(arena, sizeof(*sound));
        fm_probe_audio_facts(format->streams[audio], arena, sound);
        facts->audio = sound;
    }
    return true;
}
