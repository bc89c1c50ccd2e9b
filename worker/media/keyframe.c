/* See the head of keyframe.h. */
#include "worker/media/keyframe.h"

#include <math.h>
#include <stdbool.h>

/* Some containers are searched by decoding times, or roughly: then once more from further back. */
#define FURTHER_SECONDS 10.0
/* A keyframe's time and a moment that was read from it need not agree to the last digit. */
#define SAME_SECONDS 0.0005

static double start_of(const AVFormatContext *input)
{
    return input->start_time == AV_NOPTS_VALUE ? 0 : (double)input->start_time / AV_TIME_BASE;
}

static bool seek(AVFormatContext *input, double seconds)
{
    int64_t at = llround((start_of(input) + seconds) * AV_TIME_BASE);
    return avformat_seek_file(input, -1, INT64_MIN, at, at, 0) >= 0;
}

/* The last keyframe by the moment from where the input stands, else the first one; NAN: none. */
static double scan(AVFormatContext *input, const AVStream *stream, double seconds)
{
    AVPacket *packet = av_packet_alloc();
    double found = NAN, at = -INFINITY;
    while (packet && !(at > seconds && isfinite(found)) && av_read_frame(input, packet) >= 0) {
        bool ours = packet->stream_index == stream->index && packet->pts != AV_NOPTS_VALUE;
        bool key = packet->flags & AV_PKT_FLAG_KEY && !(packet->flags & AV_PKT_FLAG_DISCARD);
        if (ours)
            at = (double)packet->pts * av_q2d(stream->time_base) - start_of(input);
        if (ours && key && (isnan(found) || at <= seconds + SAME_SECONDS))
            found = at;
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return found;
}

double fm_keyframe_before(AVFormatContext *input, const AVStream *stream, double seconds)
{
    double found = NAN;
    if (seek(input, seconds))
        found = scan(input, stream, seconds);
    bool late = isnan(found) || found > seconds + SAME_SECONDS;
    if (late && seek(input, fmax(seconds - FURTHER_SECONDS, 0)))
        found = scan(input, stream, seconds);
    (void)seek(input, 0);
    return isnan(found) ? seconds : fmax(found, 0);
}
