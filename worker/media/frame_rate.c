/* The ffmpeg command's constant rate (fftools, do_video_out), in places of the grid. */
#include "worker/media/frame_rate.h"

#include <math.h>
#include <string.h>

#include "worker/media/ffmpeg_versions.h"
#include "worker/media/libav_error.h"

/* A frame this far from the first free place is off the grid; below it the clock only trembles. */
#define OFF_GRID 1.1
/* The picture before is given the places up to this far from the new one's. */
#define NEAREST 0.6
#define LATE 0.5
/* Places that lie in the middle between two fall the same way on every machine. */
#define NUDGE (1.0 / (1 << 17))

bool fm_frame_rate_init(struct fm_frame_rate *pace, const struct fm_plan_stream *plan,
                        fm_filter_take *take, void *context, struct fm_error *err)
{
    *pace = (struct fm_frame_rate){.plan = plan, .take = take, .context = context};
    pace->last = av_frame_alloc();
    return pace->last || fm_libav_error_fail(err, AVERROR(ENOMEM), "pace");
}

/* ---- where frames belong ---- */

static double place_of(const struct fm_frame_rate *pace, const AVFrame *frame)
{
    double place = (double)frame->pts * av_q2d(frame->time_base) * av_q2d(pace->plan->frame_rate);
    return place == rint(place) ? place : place + copysign(NUDGE, place);
}

/* Turned or not. */
static bool is_resized(const struct fm_plan_stream *plan)
{
    const AVCodecParameters *from = plan->source->codecpar;
    return FFMIN(plan->width, plan->height) != FFMIN(from->width, from->height) ||
           FFMAX(plan->width, plan->height) != FFMAX(from->width, from->height);
}

/* The command believes a frame's own length only where no filter was asked for. */
static double places_for(const struct fm_frame_rate *pace, const AVFrame *frame)
{
    if (is_resized(pace->plan)) {
        return 1;
    }
    double length = (double)fm_ffmpeg_duration(frame) * av_q2d(frame->time_base);
    return fmax(rint(length * av_q2d(pace->plan->frame_rate)), 1);
}

/* How many places this frame brings, and how many of them are still the picture's before. */
static int64_t count_places(const struct fm_frame_rate *pace, const AVFrame *frame, int64_t *before)
{
    double ahead = place_of(pace, frame) - (double)pace->next;
    double end = ahead + places_for(pace, frame);
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

/* A picture that comes alone may begin late: what stands before it is not filled. */
static void skip_start(struct fm_frame_rate *pace, const AVFrame *frame)
{
    double place = place_of(pace, frame);
    if (pace->plan->alone && !pace->last->buf[0] && place >= LATE) {
        pace->next = llrint(place);
    }
}

/* A film whose last pictures each stood for several ends with one that does. */
static int64_t count_last(const struct fm_frame_rate *pace)
{
    const int64_t *repeated = pace->repeated;
    int64_t least = FFMIN(repeated[0], repeated[1]), most = FFMAX(repeated[0], repeated[1]);
    return FFMAX(least, FFMIN(most, repeated[2]));
}

/* ---- feeding ---- */

/* A reference, for whoever takes a frame may change it. */
static bool give(struct fm_frame_rate *pace, const AVFrame *picture, struct fm_error *err)
{
    FM_AUTO(av_frame_free) AVFrame *frame = av_frame_clone(picture);
    if (!frame) {
        return fm_libav_error_fail(err, AVERROR(ENOMEM), "pace");
    }
    frame->time_base = av_inv_q(pace->plan->frame_rate);
    frame->pts = pace->next++;
    fm_ffmpeg_set_duration(frame, 1);
    return pace->take(pace->context, frame, err);
}

static bool give_all(struct fm_frame_rate *pace, const AVFrame *frame, int64_t before,
                     int64_t count, struct fm_error *err)
{
    for (int64_t i = 0; i < count; i++) {
        bool old = i < before && pace->last->buf[0];
        const AVFrame *picture = old || !frame ? pace->last : frame;
        if (!give(pace, picture, err)) {
            return false;
        }
    }
    return true;
}

static bool keep(struct fm_frame_rate *pace, const AVFrame *frame, int64_t before,
                 struct fm_error *err)
{
    memmove(pace->repeated + 1, pace->repeated,
            (FM_FRAME_RATE_REMEMBERED - 1) * sizeof(*pace->repeated));
    pace->repeated[0] = before;
    av_frame_unref(pace->last);
    int result = av_frame_ref(pace->last, frame);
    return result < 0 ? fm_libav_error_fail(err, result, "pace") : true;
}

bool fm_frame_rate_feed(struct fm_frame_rate *pace, AVFrame *frame, struct fm_error *err)
{
    if (!pace->plan->paced) {
        return !frame || pace->take(pace->context, frame, err);
    }
    if (!frame) {
        return !pace->last->buf[0] || give_all(pace, NULL, 0, count_last(pace), err);
    }
    skip_start(pace, frame);
    int64_t before = 0, count = count_places(pace, frame, &before);
    return give_all(pace, frame, before, count, err) && keep(pace, frame, before, err);
}

void fm_frame_rate_done(struct fm_frame_rate *pace)
{
    av_frame_free(&pace->last);
}
