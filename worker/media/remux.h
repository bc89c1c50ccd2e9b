/*
 * One stream carried into one output as it is: packets keep their bytes, and their times as the
 * ffmpeg command's `-c copy` would give them.
 * Before: demux. After: mux. Threads: the demuxer's.
 */
#ifndef FM_WORKER_MEDIA_REMUX_H
#define FM_WORKER_MEDIA_REMUX_H

#include <libavcodec/packet.h>
#include <libavformat/avformat.h>

#include "common/error.h"
#include "worker/media/mux.h"

struct fm_remux {
    struct fm_mux *mux;
    enum fm_plan_slot slot;
    const AVStream *source;
    bool started;         /* a keyframe has been seen */
    int64_t sample_carry; /* av_rescale_delta's */
};

bool fm_remux_init(struct fm_remux *remux, struct fm_mux *mux, enum fm_plan_slot slot,
                   const AVStream *source, struct fm_error *err) FM_MUST_CHECK;
/* The packet stays the caller's. */
bool fm_remux_packet(struct fm_remux *remux, const AVPacket *packet,
                     struct fm_error *err) FM_MUST_CHECK;
bool fm_remux_end(struct fm_remux *remux, struct fm_error *err) FM_MUST_CHECK;

#endif
