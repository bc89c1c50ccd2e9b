/* See the head of cut.h. */
#include "worker/media/cut.h"

#include <libavutil/samplefmt.h>
#include <math.h>

#include "worker/media/probe.h"

void fm_cut_init(struct fm_cut *cut, const struct fm_plan_part *part,
                 const struct fm_plan_stream *stream)
{
    *cut = (struct fm_cut){.part = *part};
    if (stream->source->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && stream->on_grid)
        cut->grid = stream->source_rate;
}

/* ---- pictures ---- */

static double seconds_of(int64_t ticks, const AVFrame *frame)
{
    return (double)ticks * av_q2d(frame->time_base);
}

static int64_t ticks_of(double seconds, const AVFrame *frame)
{
    return llround(seconds / av_q2d(frame->time_base));
}

/* Seconds since the part's start, or places of the grid: what lies between two of them is none. */
static double place_of(const struct fm_cut *cut, double seconds)
{
    return cut->grid.num > 0 ? round(seconds * av_q2d(cut->grid)) : seconds;
}

/* Containers round times to their own clock: half a tick decides. */
static double offset_of(const struct fm_cut *cut, const AVFrame *frame)
{
    return seconds_of(frame->pts - ticks_of(cut->part.start_seconds, frame), frame);
}

static bool begins_before(const struct fm_cut *cut, const AVFrame *frame)
{
    return place_of(cut, offset_of(cut, frame)) <= 0;
}

static bool begins_behind(const struct fm_cut *cut, const AVFrame *frame)
{
    if (!isfinite(cut->part.end_seconds))
        return false;
    double length = place_of(cut, cut->part.end_seconds - cut->part.start_seconds);
    double least = cut->grid.num > 0 ? 1 : seconds_of(1, frame);
    return place_of(cut, offset_of(cut, frame)) >= fmax(length, least);
}

/* Sets the times the part's own, and how long an uneven frame stays: not beyond the part. */
static void set_times(const struct fm_cut *cut, AVFrame *frame)
{
    int64_t start = ticks_of(cut->part.start_seconds, frame);
    int64_t stop = frame->pkt_duration > 0 ? frame->pts + frame->pkt_duration : AV_NOPTS_VALUE;
    if (stop != AV_NOPTS_VALUE && isfinite(cut->part.end_seconds))
        stop = FFMIN(stop, ticks_of(cut->part.end_seconds, frame));
    double place = fmax(place_of(cut, offset_of(cut, frame)), 0);
    frame->pts = ticks_of(cut->grid.num > 0 ? place / av_q2d(cut->grid) : place, frame);
    if (stop != AV_NOPTS_VALUE)
        frame->pkt_duration = FFMAX(stop - start - frame->pts, 1);
}

static bool hand_on_shown(struct fm_cut *cut, fm_cut_take *take, void *context,
                          struct fm_error *err)
{
    AVFrame *frame = cut->shown;
    cut->shown = NULL;
    if (!frame)
        return true;
    set_times(cut, frame);
    return take(context, frame, err);
}

static bool cut_picture(struct fm_cut *cut, AVFrame *frame, fm_cut_take *take, void *context,
                        struct fm_error *err)
{
    if (begins_before(cut, frame)) {
        av_frame_free(&cut->shown);
        cut->shown = frame;
        return true;
    }
    cut->ended = begins_behind(cut, frame);
    if (cut->ended)
        av_frame_free(&frame);
    if (!hand_on_shown(cut, take, context, err)) {
        av_frame_free(&frame);
        return false;
    }
    if (!frame)
        return true;
    set_times(cut, frame);
    return take(context, frame, err);
}

/* The stream's last frame is on show until it ends; before the part, that is not at all. */
static bool end_picture(struct fm_cut *cut, fm_cut_take *take, void *context, struct fm_error *err)
{
    if (!cut->shown)
        return true;
    double length = seconds_of(cut->shown->pkt_duration, cut->shown);
    if (length <= 0 && cut->grid.num > 0)
        length = av_q2d(av_inv_q(cut->grid));
    if (length > 0 && offset_of(cut, cut->shown) + length <= 0)
        av_frame_free(&cut->shown);
    return hand_on_shown(cut, take, context, err);
}

/* ---- sound ---- */

/* The samples from `skip` on, `keep` of them, in a frame of their own: what was shared with other
 * outputs stays whole. NULL: no memory. */
static AVFrame *copy_samples(const AVFrame *frame, int skip, int keep)
{
    AVFrame *copy = av_frame_alloc();
    if (!copy)
        return NULL;
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

static bool cut_sound(struct fm_cut *cut, AVFrame *frame, fm_cut_take *take, void *context,
                      struct fm_error *err)
{
    int64_t start = ticks_of(cut->part.start_seconds, frame), stop = INT64_MAX;
    if (isfinite(cut->part.end_seconds))
        stop = FFMAX(ticks_of(cut->part.end_seconds, frame), start + 1);
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
        if (!frame)
            return fm_probe_fail(err, AVERROR(ENOMEM), "cut");
    }
    frame->pts = from - start;
    return take(context, frame, err);
}

/* ---- the whole ---- */

static bool is_whole(const struct fm_cut *cut)
{
    return cut->part.start_seconds <= 0 && !isfinite(cut->part.end_seconds);
}

bool fm_cut_feed(struct fm_cut *cut, AVFrame *frame, fm_cut_take *take, void *context,
                 struct fm_error *err)
{
    if (!frame)
        return end_picture(cut, take, context, err);
    if (is_whole(cut))
        return take(context, frame, err);
    if (cut->ended) {
        av_frame_free(&frame);
        return true;
    }
    return frame->nb_samples > 0 ? cut_sound(cut, frame, take, context, err)
                                 : cut_picture(cut, frame, take, context, err);
}

void fm_cut_done(struct fm_cut *cut)
{
    av_frame_free(&cut->shown);
}
