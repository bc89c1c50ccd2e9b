/* See the head of progress.h. */
#include "worker/media/progress.h"

#include <math.h>

/* The source's last moment an output is made of; 0: unknown. */
static double end_of(const struct fm_progress_meter *gauge, size_t i)
{
    const struct fm_plan_output *output = &gauge->plan->outputs[i];
    double source = gauge->plan->duration_seconds;
    if (output->streams[FM_PLAN_VIDEO].still) {
        return source > 0 ? fmin(output->moment_seconds, source) : output->moment_seconds;
    }
    double end = output->part.end_seconds;
    return isfinite(end) && (source <= 0 || end < source) ? end : source;
}

static double find_total(const struct fm_progress_meter *gauge)
{
    double total = 0;
    for (size_t i = 0; i < gauge->plan->count; i++) {
        double end = gauge->muxes[i] ? end_of(gauge, i) : 0;
        if (gauge->muxes[i] && end <= 0 && !gauge->plan->outputs[i].streams[FM_PLAN_VIDEO].still) {
            return 0;
        }
        total = fmax(total, end);
    }
    return fmax(total - gauge->plan->seek_seconds, 0);
}

/* Where the output is in the source; what has not begun is where reading is. */
static double find_place(const struct fm_progress_meter *gauge, size_t i, double read,
                         uint64_t *frames)
{
    double seconds = 0;
    bool ended = false;
    fm_mux_progress(gauge->muxes[i], frames, &seconds, &ended);
    if (ended) {
        return INFINITY;
    }
    bool still = gauge->plan->outputs[i].streams[FM_PLAN_VIDEO].still;
    return still ? read : fmin(gauge->plan->outputs[i].part.start_seconds + seconds, read);
}

struct fm_progress_reading fm_progress_read(struct fm_progress_meter *gauge)
{
    struct fm_progress_reading reading = {.total_seconds = find_total(gauge)};
    double read = fmax((double)atomic_load(&gauge->demux->position_us) / AV_TIME_BASE, 0);
    double least = INFINITY;
    for (size_t i = 0; i < gauge->plan->count; i++) {
        uint64_t frames = 0;
        double place = gauge->muxes[i] ? find_place(gauge, i, read, &frames) : INFINITY;
        reading.frames = place < least || reading.frames == 0 ? frames : reading.frames;
        least = fmin(least, place);
    }
    double done = isfinite(least) ? least - gauge->plan->seek_seconds : reading.total_seconds;
    if (reading.total_seconds > 0) {
        done = fmin(done, reading.total_seconds);
    }
    gauge->done_seconds = fmax(gauge->done_seconds, done);
    reading.done_seconds = gauge->done_seconds;
    return reading;
}
