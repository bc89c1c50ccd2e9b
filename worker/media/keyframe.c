/* Seeks near the moment, then reads on until it has seen the packets around it. */
#include "worker/media/keyframe.h"

#include <math.h>
#include <stdbool.h>

#include "common/memory.h"
#include "worker/media/seek.h"

/* Some containers can only be searched by decoding time, or roughly, so the first seek may end
 * behind the keyframe. The second try starts this much earlier, the third at the source's start. */
#define FURTHER_SECONDS 10.0
/* A client may have read the moment from a keyframe's time, rounded to milliseconds. */
#define SAME_SECONDS 0.0005

/* Reads on from where the input stands: the last keyframe at or before the moment, or else the
 * first one after it; NAN if there is none. A keyframe that an edit list hides counts, because the
 * frames shown after it need it. */
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
