/* Everything is converted to seconds from the source's start; seek_seconds is taken off last. */
#include "worker/media/progress.h"

#include <math.h>

/* The last moment of the source that output `i` needs; 0: unknown. */
static double find_end(const struct fm_progress_meter *meter, size_t i)
{
    const struct fm_plan_output *output = &meter->plan->outputs[i];
    double source = meter->plan->duration_seconds;
    if (output->streams[FM_PLAN_VIDEO].still) {
        return source > 0 ? fmin(output->moment_seconds, source) : output->moment_seconds;
    }
    double end = output->part.end_seconds;
    return isfinite(end) && (source <= 0 || end < source) ? end : source;
}

/* 0 as soon as the end of one output is unknown. A still at 0 s is known to need nothing more. */
static double find_total(const struct fm_progress_meter *meter)
{
    double total = 0;
    for (size_t i = 0; i < meter->plan->count; i++) {
        double end = meter->muxes[i] ? find_end(meter, i) : 0;
        if (meter->muxes[i] && end <= 0 && !meter->plan->outputs[i].streams[FM_PLAN_VIDEO].still) {
            return 0;
        }
        total = fmax(total, end);
    }
    return fmax(total - meter->plan->seek_seconds, 0);
}

/* How far output `i` is in the source: INFINITY once its file is complete, and never further than
 * the demuxer (`read`). A still has no position of its own until then. */
static double find_position(const struct fm_progress_meter *meter, size_t i, double read,
                            uint64_t *frames)
{
    double seconds = 0;
    bool ended = false;
    fm_mux_progress(meter->muxes[i], frames, &seconds, &ended);
    if (ended) {
        return INFINITY;
    }
    bool still = meter->plan->outputs[i].streams[FM_PLAN_VIDEO].still;
    return still ? read : fmin(meter->plan->outputs[i].part.start_seconds + seconds, read);
}

struct fm_progress_reading fm_progress_read(struct fm_progress_meter *meter)
{
    struct fm_progress_reading reading = {.total_seconds = find_total(meter)};
    double read = fmax((double)atomic_load(&meter->demux->position_us) / AV_TIME_BASE, 0);
    double least = INFINITY;
    for (size_t i = 0; i < meter->plan->count; i++) {
        uint64_t frames = 0;
        double position = meter->muxes[i] ? find_position(meter, i, read, &frames) : INFINITY;
        reading.frames = position < least || reading.frames == 0 ? frames : reading.frames;
        least = fmin(least, position);
    }
    double done = isfinite(least) ? least - meter->plan->seek_seconds : reading.total_seconds;
    if (reading.total_seconds > 0) {
        done = fmin(done, reading.total_seconds);
    }
    meter->done_seconds = fmax(meter->done_seconds, done);
    reading.done_seconds = meter->done_seconds;
    return reading;
}
