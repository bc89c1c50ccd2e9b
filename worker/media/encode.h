/*
 * One encoder: filtered frames in, packets out into the output's mux. Settings and times are those
 * that the ffmpeg command would choose, with one exception: video whose frames still come at uneven
 * times here keeps those times.
 * Before: frame_rate. After: mux.
 * Threads: those of its branch; libav adds the plan's `threads` more.
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
    /* Private from here on. */
    AVCodecContext *codec; /* NULL until fm_encode_open */
    AVPacket *packet;
    int64_t next_pts;      /* the earliest pts a frame may have, in the codec's time base */
    int64_t last_duration; /* of the last frame that was sent */
};

/* Opens the encoder for frames like `first` and adds its stream to the mux. For audio `first` is
 * NULL: the plan decides everything. UNSUPPORTED_CODEC if the encoder refuses its settings,
 * RESOURCE_MEMORY, or the errors of the mux. */
bool fm_encode_open(struct fm_encode *encode, const AVFrame *first,
                    struct fm_error *err) FM_MUST_CHECK;
/* Encodes one frame, which stays the caller's; its pts is changed. With NULL, at the end, the
 * packets that the encoder has held back are written. */
bool fm_encode_frame(struct fm_encode *encode, AVFrame *frame, struct fm_error *err) FM_MUST_CHECK;
void fm_encode_done(struct fm_encode *encode);

#endif
