/*
 * One encoder: filtered frames in, packets into its output's file. Settings and times are those the
 * ffmpeg command would choose, save that a picture whose uneven clock comes this far keeps it.
 * Before: filter. After: mux. Threads: its branch's.
 */
#ifndef FM_WORKER_MEDIA_ENCODE_H
#define FM_WORKER_MEDIA_ENCODE_H

#include <libavcodec/avcodec.h>

#include "common/error.h"
#include "worker/media/mux.h"

struct fm_encode {
    const struct fm_plan_stream *plan;
    struct fm_mux *mux;
    enum fm_plan_slot slot;
    /* Its own from here on. */
    AVCodecContext *codec; /* NULL until opened */
    AVPacket *packet;
    int64_t next_pts, last_duration;
};

/* Opens for frames like `first` (sound: NULL, the plan says all) and tells the mux. */
bool fm_encode_open(struct fm_encode *encode, const AVFrame *first,
                    struct fm_error *err) FM_MUST_CHECK;
/* The frame stays the caller's, its pts changes; NULL: the end, what is held back is written. */
bool fm_encode_frame(struct fm_encode *encode, AVFrame *frame, struct fm_error *err) FM_MUST_CHECK;
void fm_encode_done(struct fm_encode *encode);

#endif
