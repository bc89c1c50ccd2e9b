/*
 * Copies the packets of one stream into one output: their bytes unchanged, their times as the
 * ffmpeg command's `-c copy` would set them. Packets that an edit list hides before the film stay
 * hidden; packets hidden behind the film are left out, because no muxer would hide them again. Of a
 * part it copies what is shown from its start, which the plan has moved to a keyframe, to its end.
 * Frames shown after the end are kept where frames before it need them. A stream that has nothing
 * in the part is left out of the file. Before: demux. After: mux. Threads: the demuxer's, which
 * never has to wait here.
 */
#ifndef FM_WORKER_MEDIA_REMUX_H
#define FM_WORKER_MEDIA_REMUX_H

#include <libavcodec/packet.h>
#include <libavformat/avformat.h>

#include "common/error.h"
#include "worker/media/mux.h"

/* How many hidden packets are held until it is known whether a shown one follows. H.264 and HEVC
 * reorder at most 16 frames, so 32 are plenty. */
#define FM_REMUX_HELD 32

struct fm_remux {
    struct fm_mux *mux;
    enum fm_plan_slot slot;
    const AVStream *source;
    int64_t start, end; /* of the part, in the source's time base; INT64_MAX: no end */
    bool added;         /* the stream has been added to the mux */
    bool ended;         /* the part is over: packets that come now are dropped */
    bool started;       /* a keyframe has come */
    bool shown;         /* a packet that is not hidden has come */
    AVPacket *held[FM_REMUX_HELD];
    size_t held_count;
    int64_t sample_carry; /* the state of av_rescale_delta */
    int64_t next_dts;     /* the decoding time expected of the next packet */
};

/* The mux and the output must outlive the remux. */
bool fm_remux_init(struct fm_remux *remux, struct fm_mux *mux, enum fm_plan_slot slot,
                   const struct fm_plan_output *output, struct fm_error *err) FM_MUST_CHECK;
/* Copies one packet, which stays the caller's. Errors are those of the mux. */
bool fm_remux_packet(struct fm_remux *remux, const AVPacket *packet,
                     struct fm_error *err) FM_MUST_CHECK;
/* No packet will follow: ends the stream in the mux. */
bool fm_remux_end(struct fm_remux *remux, struct fm_error *err) FM_MUST_CHECK;
void fm_remux_done(struct fm_remux *remux);

#endif
