/* See the head of keyframe.h. */
#include "worker/media/keyframe.h"

#include <math.h>
#include <stdbool.h>

#include "common/memory.h"
#include "worker/media/seek.h"

/* Some containers are searched by decoding times, or roughly: then once more from further back. */
#define FURTHER_SECONDS 10.0
/* A keyframe's time and a moment that was read from it need not agree to the last digit. */
#define SAME_SECONDS 0.0005

/* The last keyframe by the moment from where the input stands, else the first one; NAN: none. One
 * that an edit list hides is one too: what is shown after it needs it. */
static double scan_keyframes(AVFormatContext *input, const AVStream *stream, double seconds)
{
    AVPacket *packet = av_packet_alloc();
    double start = (double)fm_seek_start_us(input) / AV_TIME_BASE;
    double found = NAN, at = -INFINITY;
    while (packet && !(at > seconds && isfinite(found)) && av_read_frame(input, packet) >= 0) {
        bool ours = packet->stream_index == stream->index && packet->pts != AV_NOPTS_VALUE;
        bool key = packet->flags & AV_PKT_FLAG_KEY;
        if (ours) {
            at = (double)packet->pts * av_q2d(stream->time_base) - start;
        }
        if (ours && key && (isnan(found) || at <= seconds + SAME_SECONDS)) {
            found = at;
        }
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return found;
}

static bool is_late(double found, double seconds)
{
    return isnan(found) || found > seconds + SAME_SECONDS;
}

double fm_keyframe_before(AVFormatContext *input, const AVStream *stream, double seconds)
{
    const double tries[] = {seconds, fmax(seconds - FURTHER_SECONDS, 0), 0};
    double found = NAN;
    if (seconds <= 0) {
        return seconds;
    }
    for (size_t i = 0; i < FM_COUNT(tries) && is_late(found, seconds); i++) {
        if (fm_seek_to(input, tries[i])) {
            found = scan_keyframes(input, stream, seconds);
        }
    }
    (void)fm_seek_to(input, 0);
    return is_late(found, seconds) ? seconds : fmax(found, 0);
}
