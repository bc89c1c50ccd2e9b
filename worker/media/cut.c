/*
 * Video is cut between frames, audio between samples. A video frame is held back until the next one
 * comes, for only then is it known how long it was shown and whether it was on show when the part
 * started.
 */
#include "worker/media/cut.h"

#include <libavutil/samplefmt.h>
#include <math.h>

#include "worker/media/ffmpeg_versions.h"
#include "worker/media/libav_error.h"

void fm_cut_init(struct fm_cut *cut, const struct fm_plan_part *part,
                 const struct fm_plan_stream *stream)
{
    *cut = (struct fm_cut){.part = *part};
    if (stream->source->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) {
        return;
    }
    if (stream->on_grid) {
        cut->grid = stream->source_rate;
    }
    if (stream->constant) {
        cut->frame_seconds = av_q2d(av_inv_q(stream->frame_rate));
    }
}

/* ---- video ---- */

static double ticks_to_seconds(int64_t ticks, const AVFrame *frame)
{
    return (double)ticks * av_q2d(frame->time_base);
}

static int64_t seconds_to_ticks(double seconds, const AVFrame *frame)
{
    return llround(seconds / av_q2d(frame->time_base));
}

/* The number of the grid point nearest to this time, or the seconds themselves where there is no
 * grid. Frames can only begin at grid points, so whatever lies between two is a rounding error. */
static double grid_point(const struct fm_cut *cut, double seconds)
{
    return cut->grid.num > 0 ? round(seconds * av_q2d(cut->grid)) : seconds;
}

/* From the part's start to the frame's, negative if the frame begins earlier. The start is rounded
 * to the stream's clock first, because the container has rounded the frames' times likewise. */
static double seconds_into_part(const struct fm_cut *cut, const AVFrame *frame)
{
    return ticks_to_seconds(frame->pts - seconds_to_ticks(cut->part.start_seconds, frame), frame);
}

static bool begins_by_start(const struct fm_cut *cut, const AVFrame *frame)
{
    return grid_point(cut, seconds_into_part(cut, frame)) <= 0;
}

/* A part has at least one frame, however short it is. */
static bool begins_after_part(const struct fm_cut *cut, const AVFrame *frame)
{
    if (!isfinite(cut->part.end_seconds)) {
        return false;
    }
    double length = grid_point(cut, cut->part.end_seconds - cut->part.start_seconds);
    double least = cut->grid.num > 0 ? 1 : ticks_to_seconds(1, frame);
    return grid_point(cut, seconds_into_part(cut, frame)) >= fmax(length, least);
}

/* Hands on the frame on show, its times counted from the part's start. `stop` is where the next
 * frame begins, in the stream's own ticks. */
static bool hand_on_shown(struct fm_cut *cut, int64_t stop, fm_cut_on_frame *on_frame,
                          void *context, struct fm_error *err)
{
    AVFrame *frame = cut->shown;
    cut->shown = NULL;
    if (!frame) {
        return true;
    }
    double point = fmax(grid_point(cut, seconds_into_part(cut, frame)), 0);
    frame->pts = seconds_to_ticks(cut->grid.num > 0 ? point / av_q2d(cut->grid) : point, frame);
    stop -= seconds_to_ticks(cut->part.start_seconds, frame);
    fm_ffmpeg_set_duration(frame, FFMAX(stop - frame->pts, 1));
    return on_frame(context, frame, err);
}

/* The frame on show when the part ends is shown up to the end. At a constant frame rate it is sent
 * twice, the second time for the part's last grid point, so that the stream is as long as the part.
 */
static bool end_part(struct fm_cut *cut, fm_cut_on_frame *on_frame, void *context,
                     struct fm_error *err)
{
    AVFrame *again = NULL;
    cut->ended = true;
    if (!cut->shown) {
        return true;
    }
    double length = cut->part.end_seconds - cut->part.start_seconds;
    double last = length - cut->frame_seconds;
    int64_t stop = seconds_to_ticks(cut->part.end_seconds, cut->shown);
    int64_t pts = seconds_to_ticks(cut->part.start_seconds + last, cut->shown);
    double shown = fmax(grid_point(cut, seconds_into_part(cut, cut->shown)), 0);
    if (cut->frame_seconds > 0 && grid_point(cut, last) > shown) {
        again = av_frame_clone(cut->shown);
    }
    if (!hand_on_shown(cut, again ? pts : stop, on_frame, context, err)) {
        av_frame_free(&again);
        return false;
    }
    if (again) {
        again->pts = pts;
    }
    cut->shown = again;
    return hand_on_shown(cut, stop, on_frame, context, err);
}

static bool cut_picture(struct fm_cut *cut, AVFrame *frame, fm_cut_on_frame *on_frame,
                        void *context, struct fm_error *err)
{
    bool good = true;
    if (begins_after_part(cut, frame)) {
        av_frame_free(&frame);
        return end_part(cut, on_frame, context, err);
    }
    if (begins_by_start(cut, frame)) {
        av_frame_free(&cut->shown);
    } else {
        good = hand_on_shown(cut, frame->pts, on_frame, context, err);
    }
    cut->shown = frame;
    return good;
}

/* The stream ends before its part does. Its last frame is shown as long as its own duration says,
 * which may be over before the part starts. */
static bool end_picture(struct fm_cut *cut, fm_cut_on_frame *on_frame, void *context,
                        struct fm_error *err)
{
    if (!cut->shown) {
        return true;
    }
    double length = ticks_to_seconds(fm_ffmpeg_duration(cut->shown), cut->shown);
    if (length <= 0 && cut->grid.num > 0) {
        length = av_q2d(av_inv_q(cut->grid));
    }
    if (length > 0 && seconds_into_part(cut, cut->shown) + length <= 0) {
        av_frame_free(&cut->shown);
    }
    if (!cut->shown) {
        return true;
    }
    int64_t stop = cut->shown->pts + seconds_to_ticks(length, cut->shown);
    if (isfinite(cut->part.end_seconds)) {
        stop = FFMIN(stop, seconds_to_ticks(cut->part.end_seconds, cut->shown));
    }
    return hand_on_shown(cut, stop, on_frame, context, err);
}

/* ---- audio ---- */

/* A new frame with `keep` samples from sample `skip` on. Other outputs share the buffers of the
 * original, so it is not changed. NULL: no memory. */
static AVFrame *copy_samples(const AVFrame *frame, int skip, int keep)
{
    AVFrame *copy = av_frame_alloc();
    if (!copy) {
        return NULL;
    }
    copy->format = frame->format;
    copy->sample_rate = frame->sample_rate;
    copy->nb_samples = keep;
    if (av_channel_layout_copy(&copy->ch_layout, &frame->ch_layout) < 0 ||
        av_frame_get_buffer(copy, 0) < 0 || av_frame_copy_props(copy, frame) < 0) {
        av_frame_free(&copy);
        return NULL;
    }
    av_samples_copy(copy->extended_data, frame->extended_data, 0, skip, keep,
                    frame->ch_layout.nb_channels, (enum AVSampleFormat)frame->format);
    return copy;
}

static bool cut_sound(struct fm_cut *cut, AVFrame *frame, fm_cut_on_frame *on_frame, void *context,
                      struct fm_error *err)
{
    int64_t start = seconds_to_ticks(cut->part.start_seconds, frame), stop = INT64_MAX;
    if (isfinite(cut->part.end_seconds)) {
        stop = FFMAX(seconds_to_ticks(cut->part.end_seconds, frame), start + 1);
    }
    int64_t from = FFMAX(frame->pts, start), to = FFMIN(frame->pts + frame->nb_samples, stop);
    cut->ended = frame->pts >= stop;
    if (from >= to) {
        av_frame_free(&frame);
        return true;
    }
    if (to - from < frame->nb_samples) {
        AVFrame *whole = frame;
        frame = copy_samples(whole, (int)(from - whole->pts), (int)(to - from));
        av_frame_free(&whole);
        if (!frame) {
            return fm_libav_error_fail(err, AVERROR(ENOMEM), "cut");
        }
    }
    frame->pts = from - start;
    return on_frame(context, frame, err);
}

/* ---- video or audio ---- */

static bool is_whole_stream(const struct fm_cut *cut)
{
    return cut->part.start_seconds <= 0 && !isfinite(cut->part.end_seconds);
}

bool fm_cut_feed(struct fm_cut *cut, AVFrame *frame, fm_cut_on_frame *on_frame, void *context,
                 struct fm_error *err)
{
    if (!frame) {
        return end_picture(cut, on_frame, context, err);
    }
    if (is_whole_stream(cut)) {
        return on_frame(context, frame, err);
    }
    if (cut->ended) {
        av_frame_free(&frame);
        return true;
    }
    return frame->nb_samples > 0 ? cut_sound(cut, frame, on_frame, context, err)
                                 : cut_picture(cut, frame, on_frame, context, err);
}

void fm_cut_done(struct fm_cut *cut)
{
    av_frame_free(&cut->shown);
}
