/*
 * The part of a decoded stream an output is made of, to the frame and to the sample; its times are
 * counted from the part's start. The frame on show when the part starts is its first, whenever it
 * began. On a grid of constant frames a cut falls between two places of the grid; where start and
 * end lie on it the frames are those the ffmpeg command's -ss and -to keep.
 * Before: decode. After: filter. Threads: its branch's.
 */
#ifndef FM_WORKER_MEDIA_CUT_H
#define FM_WORKER_MEDIA_CUT_H

#include <libavutil/frame.h>

#include "common/error.h"
#include "worker/media/plan.h"

struct fm_cut {
    struct fm_plan_part part;
    AVRational grid;      /* frames a second where they are constant, else 0 */
    double frame_seconds; /* seconds a frame of the output lasts where they are constant, else 0 */
    /* Its own from here on. */
    AVFrame *shown; /* the frame on show, until the next one says how long it was */
    bool ended;     /* nothing that comes now belongs to the part */
};

/* Takes the frame's reference. */
typedef bool fm_cut_on_frame(void *context, AVFrame *frame, struct fm_error *err);

void fm_cut_init(struct fm_cut *cut, const struct fm_plan_part *part,
                 const struct fm_plan_stream *stream);
/* One frame in (NULL: the end of the stream), what belongs to the part out. Takes the reference. */
bool fm_cut_feed(struct fm_cut *cut, AVFrame *frame, fm_cut_on_frame *on_frame, void *context,
                 struct fm_error *err) FM_MUST_CHECK;
void fm_cut_done(struct fm_cut *cut);

#endif
