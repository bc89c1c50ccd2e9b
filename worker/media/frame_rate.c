/*
 * The ffmpeg command's algorithm for a constant rate (fftools/ffmpeg.c, do_video_out, as of FFmpeg
 * 5.1), in units of grid points. Its constants are kept, so that the outputs have the same frames.
 */
#include "worker/media/frame_rate.h"

#include <math.h>
#include <string.h>

#include "worker/media/ffmpeg_versions.h"
#include "worker/media/libav_error.h"

/* A frame further than this from the first free point is dropped or leaves a gap; up to that its
 * time is only imprecise, and it gets the point. */
#define OFF_GRID 1.1
/* A gap is filled with the frame before up to this far from the new frame. */
#define NEAREST 0.6
/* A first frame this late does not begin at zero. */
#define LATE 0.5
/* Added to a time that lies between two points, so that one exactly in the middle is rounded the
 * same way on every machine. */
#define NUDGE (1.0 / (1 << 17))

bool fm_frame_rate_init(struct fm_frame_rate *rate, const struct fm_plan_stream *plan,
                        fm_filter_on_frame *on_frame, void *context, struct fm_error *err)
{
    *rate = (struct fm_frame_rate){.plan = plan, .on_frame = on_frame, .context = context};
    rate->last = av_frame_alloc();
    return rate->last || fm_libav_error_fail(err, AVERROR(ENOMEM), "frame rate");
}

/* ---- where frames belong ---- */

/* Where the frame's time lies on the grid; a whole number if it is exactly on a point. */
static double grid_point(const struct fm_frame_rate *rate, const AVFrame *frame)
{
    double point = (double)frame->pts * av_q2d(frame->time_base) * av_q2d(rate->plan->frame_rate);
    return point == rint(point) ? point : point + copysign(NUDGE, point);
}

/* Whether the size changes. A rotation swaps the sides and does not count. */
static bool is_resized(const struct fm_plan_stream *plan)
{
    const AVCodecParameters *from = plan->source->codecpar;
    return FFMIN(plan->width, plan->height) != FFMIN(from->width, from->height) ||
           FFMAX(plan->width, plan->height) != FFMAX(from->width, from->height);
}

/* How many points are settled by this frame, and how many of them (`*before`) are filled with the
 * frame before. 0: the frame comes too early and is dropped. */
static int64_t count_points(const struct fm_frame_rate *rate, const AVFrame *frame, int64_t *before)
{
    double ahead = grid_point(rate, frame) - (double)rate->next;
    double end = ahead + fm_ffmpeg_points(frame, rate->plan->frame_rate, is_resized(rate->plan));
    *before = 0;
    if (end < -OFF_GRID) {
        return 0;
    }
    if (end <= OFF_GRID) {
        return 1;
    }
    int64_t count = llrint(end);
    if (ahead > OFF_GRID) {
        *before = FFMIN(llrint(ahead - NEAREST), count);
    }
    return count;
}

/* Video without any other stream may begin late: the points before its first frame are not filled,
 * for there is no audio it has to stay in step with. */
static void skip_start(struct fm_frame_rate *rate, const AVFrame *frame)
{
    double point = grid_point(rate, frame);
    if (rate->plan->alone && !rate->last->buf[0] && point >= LATE) {
        rate->next = llrint(point);
    }
}

/* How often the last frame is repeated at the end: the median of the last three frames. A film of
 * stills that were each shown for seconds thus ends with a still shown for seconds. */
static int64_t count_last(const struct fm_frame_rate *rate)
{
    const int64_t *repeated = rate->repeated;
    int64_t least = FFMIN(repeated[0], repeated[1]), most = FFMAX(repeated[0], repeated[1]);
    return FFMAX(least, FFMIN(most, repeated[2]));
}

/* ---- feeding ---- */

/* Sends a clone, because the receiver may change the times of its frame and the same picture may be
 * sent again. */
static bool emit_frame(struct fm_frame_rate *rate, const AVFrame *picture, struct fm_error *err)
{
    FM_AUTO(av_frame_free) AVFrame *frame = av_frame_clone(picture);
    if (!frame) {
        return fm_libav_error_fail(err, AVERROR(ENOMEM), "frame rate");
    }
    frame->time_base = av_inv_q(rate->plan->frame_rate);
    frame->pts = rate->next++;
    fm_ffmpeg_set_duration(frame, 1);
    return rate->on_frame(rate->context, frame, err);
}

/* `count` frames: the first `before` of them repeat the last frame, the others show `frame` (NULL:
 * all repeat). */
static bool emit_frames(struct fm_frame_rate *rate, const AVFrame *frame, int64_t before,
                        int64_t count, struct fm_error *err)
{
    for (int64_t i = 0; i < count; i++) {
        bool old = i < before && rate->last->buf[0];
        const AVFrame *picture = old || !frame ? rate->last : frame;
        if (!emit_frame(rate, picture, err)) {
            return false;
        }
    }
    return true;
}

static bool remember_frame(struct fm_frame_rate *rate, const AVFrame *frame, int64_t before,
                           struct fm_error *err)
{
    memmove(rate->repeated + 1, rate->repeated,
            (FM_FRAME_RATE_REMEMBERED - 1) * sizeof(*rate->repeated));
    rate->repeated[0] = before;
    av_frame_unref(rate->last);
    int result = av_frame_ref(rate->last, frame);
    return result < 0 ? fm_libav_error_fail(err, result, "frame rate") : true;
}

bool fm_frame_rate_feed(struct fm_frame_rate *rate, AVFrame *frame, struct fm_error *err)
{
    if (!rate->plan->fills_grid) {
        return !frame || rate->on_frame(rate->context, frame, err);
    }
    if (!frame) {
        return !rate->last->buf[0] || emit_frames(rate, NULL, 0, count_last(rate), err);
    }
    skip_start(rate, frame);
    int64_t before = 0, count = count_points(rate, frame, &before);
    return emit_frames(rate, frame, before, count, err) && remember_frame(rate, frame, before, err);
}

void fm_frame_rate_done(struct fm_frame_rate *rate)
{
    av_frame_free(&rate->last);
}
