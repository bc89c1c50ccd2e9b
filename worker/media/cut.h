/*
 * Cuts a decoded stream to the part an output is made of, exact to the frame and to the sample, and
 * counts its times from the part's start. The first frame of the part is the frame on show when the
 * part starts, even if it began earlier. Where frames come at a constant rate, times are rounded to
 * grid points of 1/rate; if start and end are grid points too, the frames are those that the ffmpeg
 * command keeps with -ss and -to.
 * Before: decode. After: filter. Threads: those of its branch.
 */
#ifndef FM_WORKER_MEDIA_CUT_H
#define FM_WORKER_MEDIA_CUT_H

#include <libavutil/frame.h>

#include "common/error.h"
#include "worker/media/plan.h"

struct fm_cut {
    struct fm_plan_part part;
    AVRational grid;      /* the source's frame rate if it is constant, else 0/0 */
    double frame_seconds; /* how long a frame of the output lasts if its rate is constant, else 0 */
    /* Private from here on. */
    AVFrame *shown; /* the frame on show; its length is known when the next one comes */
    bool ended;     /* the part is over: frames that come now are dropped */
};

/* Is handed each frame of the part; takes the frame's reference, even when it returns false. */
typedef bool fm_cut_on_frame(void *context, AVFrame *frame, struct fm_error *err);

void fm_cut_init(struct fm_cut *cut, const struct fm_plan_part *part,
                 const struct fm_plan_stream *stream);
/* Puts one frame in (NULL at the end of the stream) and hands those that belong to the part to
 * `on_frame`, whose errors it returns. Takes the frame's reference in any case. */
bool fm_cut_feed(struct fm_cut *cut, AVFrame *frame, fm_cut_on_frame *on_frame, void *context,
                 struct fm_error *err) FM_MUST_CHECK;
void fm_cut_done(struct fm_cut *cut);

#endif
