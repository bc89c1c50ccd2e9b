/*
 * Turns a decoded frame into one that the encoder accepts: rotated, scaled, cropped or padded to
 * its box, converted. Graphs are built here from a fixed list of filters and from numbers alone; no
 * text from a client or a source reaches libavfilter. When a source changes its size or format
 * midway, a new graph is built and the encoder notices nothing. Before: cut. After: frame_rate.
 * Threads: those of its branch; a graph adds none.
 */
#ifndef FM_WORKER_MEDIA_FILTER_H
#define FM_WORKER_MEDIA_FILTER_H

#include <libavfilter/avfilter.h>
#include <libavutil/frame.h>

#include "common/error.h"
#include "worker/media/plan.h"

struct fm_filter {
    const struct fm_plan_stream *plan;
    int frame_size; /* samples a frame that comes out has; 0: any. Set before the first feed. */
    /* Private from here on. */
    AVFilterGraph *graph;           /* NULL before the first frame and after a drain */
    AVFilterContext *source, *sink; /* owned by the graph */
    AVFrame *shape;                 /* the format and size the graph was built for; no data */
    AVFrame *out;
    int64_t end;               /* where the last video frame that went in ends, in its time base */
    enum AVPixelFormat pixels; /* of the frames that come out: the encoder's, so it never changes */
};

/* Is handed each frame that comes out, with its time_base set. The frame stays the filter's. */
typedef bool fm_filter_on_frame(void *context, AVFrame *frame, struct fm_error *err);

/* Call fm_filter_done even after a failure. The plan must outlive the filter. */
bool fm_filter_init(struct fm_filter *filter, const struct fm_plan_stream *plan,
                    struct fm_error *err) FM_MUST_CHECK;
/* Puts one frame in (NULL at the end) and hands every frame that comes out to `on_frame`, whose
 * errors it returns. Takes the frame's reference in any case. */
bool fm_filter_feed(struct fm_filter *filter, AVFrame *frame, fm_filter_on_frame *on_frame,
                    void *context, struct fm_error *err) FM_MUST_CHECK;
void fm_filter_done(struct fm_filter *filter);

#endif
