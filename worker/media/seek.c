/* Seeks by libav, with a detour where libav would skip the first packets of a stream. */
#include "worker/media/seek.h"

#include <math.h>
#include <string.h>

/* How far before the source's start a rewind aims: no frame is decoded so long before it is shown.
 */
#define LEAD_US (10 * (int64_t)AV_TIME_BASE)

int64_t fm_seek_start_us(const AVFormatContext *input)
{
    return input->start_time == AV_NOPTS_VALUE ? 0 : input->start_time;
}

/* A video or audio stream whose start is known; covers and subtitles do not count. */
static bool is_film(const AVStream *stream)
{
    enum AVMediaType type = stream->codecpar->codec_type;
    return stream->start_time != AV_NOPTS_VALUE &&
           !(stream->disposition & AV_DISPOSITION_ATTACHED_PIC) &&
           (type == AVMEDIA_TYPE_VIDEO || type == AVMEDIA_TYPE_AUDIO);
}

static int64_t stream_start_us(const AVStream *stream)
{
    return av_rescale_q(stream->start_time, stream->time_base, AV_TIME_BASE_Q);
}

/* The stream that begins first; -1, which lets libav choose, if no start is known. */
static int find_earliest(const AVFormatContext *input)
{
    int best = -1;
    for (unsigned i = 0; i < input->nb_streams; i++) {
        if (is_film(input->streams[i]) && (best < 0 || stream_start_us(input->streams[i]) <
                                                           stream_start_us(input->streams[best]))) {
            best = (int)i;
        }
    }
    return best;
}

static bool have_all_begun(const AVFormatContext *input, int64_t at_us)
{
    for (unsigned i = 0; i < input->nb_streams; i++) {
        if (is_film(input->streams[i]) && stream_start_us(input->streams[i]) >= at_us) {
            return false;
        }
    }
    return true;
}

/* Seeks in one stream (-1: libav's choice) to the last keyframe at or before the time. */
static bool seek_stream(AVFormatContext *input, int stream, int64_t at_us)
{
    int64_t at =
        stream < 0 ? at_us : av_rescale_q(at_us, AV_TIME_BASE_Q, input->streams[stream]->time_base);
    return avformat_seek_file(input, stream, INT64_MIN, at, at, 0) >= 0;
}

/* MPEG streams made for broadcast have no index and can be read from any byte, so their start is
 * simply the file's. */
static bool starts_at_first_byte(const AVFormatContext *input)
{
    const char *name = input->iformat->name;
    return !strcmp(name, "mpegts") || !strcmp(name, "mpeg");
}

/* The demuxer of MP4 moves all streams to the place found in the stream that was searched, so that
 * has to be the stream which begins first. Some containers refuse a time before their start; then
 * the start itself has to do. */
static bool rewind_all(AVFormatContext *input)
{
    int64_t start_us = fm_seek_start_us(input);
    if (starts_at_first_byte(input)) {
        return avformat_seek_file(input, -1, 0, 0, 0, AVSEEK_FLAG_BYTE) >= 0;
    }
    return seek_stream(input, find_earliest(input), av_sat_sub64(start_us, LEAD_US)) ||
           seek_stream(input, -1, start_us);
}

bool fm_seek_to(AVFormatContext *input, double seconds)
{
    int64_t at_us = av_sat_add64(fm_seek_start_us(input), llround(seconds * AV_TIME_BASE));
    bool is_first = seconds <= 0 || !have_all_begun(input, at_us);
    return is_first ? rewind_all(input) : seek_stream(input, -1, at_us);
}
