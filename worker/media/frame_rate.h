/*
 * Pictures at one rate, for formats that want one: whatever the source's clock did, a picture
 * stands at every place of the grid. Holes are filled with the picture before, what has no place is
 * left out, as the ffmpeg command does for the same formats; so a film has as many frames as the
 * command's, and begins at zero. Where the plan does not ask for it, frames pass as they are.
 * Before: filter. After: encode. Threads: its branch's.
 */
#ifndef FM_WORKER_MEDIA_FRAME_RATE_H
#define FM_WORKER_MEDIA_FRAME_RATE_H

#include "worker/media/filter.h"

#define FM_FRAME_RATE_REMEMBERED 3

struct fm_frame_rate {
    const struct fm_plan_stream *plan;
    fm_filter_on_frame *on_frame;
    void *context;
    /* Its own from here on. */
    AVFrame *last; /* the picture that fills a hole */
    int64_t next;  /* the first place still free */
    int64_t
        repeated[FM_FRAME_RATE_REMEMBERED]; /* how often the latest pictures were, newest first */
};

/* Frames go on to `on_frame`; the rate keeps none of them beyond the next. */
bool fm_frame_rate_init(struct fm_frame_rate *rate, const struct fm_plan_stream *plan,
                        fm_filter_on_frame *on_frame, void *context,
                        struct fm_error *err) FM_MUST_CHECK;
/* One frame in (NULL: the end), as many out as have their place by now. The frame stays the
 * caller's; its time changes. */
bool fm_frame_rate_feed(struct fm_frame_rate *rate, AVFrame *frame,
                        struct fm_error *err) FM_MUST_CHECK;
void fm_frame_rate_done(struct fm_frame_rate *rate);

#endif
