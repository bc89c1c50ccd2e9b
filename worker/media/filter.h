/*
 * From a decoded frame to one an encoder takes: turned, scaled, put into its box, converted. Graphs
 * are built here from a fixed list of filters and from numbers alone; no text of a client or a
 * source reaches them. A source that changes its size or format on the way gets a new graph, and
 * the encoder sees nothing of it. Before: decode. After: encode. Threads: its branch's.
 */
#ifndef FM_WORKER_MEDIA_FILTER_H
#define FM_WORKER_MEDIA_FILTER_H

#include <libavfilter/avfilter.h>
#include <libavutil/frame.h>

#include "common/error.h"
#include "worker/media/plan.h"

struct fm_filter {
    const struct fm_plan_stream *plan;
    int frame_size; /* samples a frame; 0: any. Set before the first feed. */
    /* Its own from here on. */
    AVFilterGraph *graph;
    AVFilterContext *source, *sink;
    AVFrame *shape; /* of the frames the graph was made for; no data */
    AVFrame *out;
    int64_t end;               /* of the last picture that went in */
    enum AVPixelFormat pixels; /* what comes out; stays once chosen */
};

/* Called with each frame that comes out; its time_base is set. The frame stays the filter's. */
typedef bool fm_filter_on_frame(void *context, AVFrame *frame, struct fm_error *err);

bool fm_filter_init(struct fm_filter *filter, const struct fm_plan_stream *plan,
                    struct fm_error *err) FM_MUST_CHECK;
/* One frame in (NULL: the end), all that come of it out. Takes the frame's reference. */
bool fm_filter_feed(struct fm_filter *filter, AVFrame *frame, fm_filter_on_frame *on_frame,
                    void *context, struct fm_error *err) FM_MUST_CHECK;
void fm_filter_done(struct fm_filter *filter);

#endif
