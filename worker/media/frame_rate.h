/*
 * Brings video to a constant frame rate, for formats that are made for one: whatever the source's
 * times are, exactly one frame comes out for every grid point (the multiples of 1/frame rate). Gaps
 * are filled by repeating the frame before, frames without a free point are dropped. The ffmpeg
 * command does the same for the same formats (-fps_mode cfr), so the output has as many frames as
 * the command's and begins at zero. If the plan does not ask for it (`fills_grid`), frames pass
 * unchanged.
 * Before: filter. After: encode. Threads: those of its branch.
 */
#ifndef FM_WORKER_MEDIA_FRAME_RATE_H
#define FM_WORKER_MEDIA_FRAME_RATE_H

#include "worker/media/filter.h"

/* As many as the ffmpeg command looks at when it decides how often to repeat the last frame. */
#define FM_FRAME_RATE_REMEMBERED 3

struct fm_frame_rate {
    const struct fm_plan_stream *plan;
    fm_filter_on_frame *on_frame;
    void *context;
    /* Private from here on. */
    AVFrame *last; /* the frame that fills a gap; empty before the first */
    int64_t next;  /* the first free grid point */
    /* How often each of the last frames was repeated, newest first. */
    int64_t repeated[FM_FRAME_RATE_REMEMBERED];
};

/* Frames go on to `on_frame`. Call fm_frame_rate_done even after a failure; the plan must outlive
 * `rate`. */
bool fm_frame_rate_init(struct fm_frame_rate *rate, const struct fm_plan_stream *plan,
                        fm_filter_on_frame *on_frame, void *context,
                        struct fm_error *err) FM_MUST_CHECK;
/* Puts one frame in (NULL at the end) and hands on one frame for every grid point that is settled
 * by it. The frame stays the caller's; its time may change. */
bool fm_frame_rate_feed(struct fm_frame_rate *rate, AVFrame *frame,
                        struct fm_error *err) FM_MUST_CHECK;
void fm_frame_rate_done(struct fm_frame_rate *rate);

#endif
