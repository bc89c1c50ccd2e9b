/*
 * One stream carried into one output as it is: packets keep their bytes, and their times as the
 * ffmpeg command's `-c copy` would give them. What an edit list hides before the film stays hidden;
 * what it hides behind the film is left out, for no muxer would hide it again.
 * Of a part it carries what is shown from its start on, which the plan has put on a keyframe, to
 * its end: pictures behind it stay where those before it need them. A stream that has nothing there
 * is left out.
 * Before: demux. After: mux. Threads: the demuxer's.
 */
#ifndef FM_WORKER_MEDIA_REMUX_H
#define FM_WORKER_MEDIA_REMUX_H

#include <libavcodec/packet.h>
#include <libavformat/avformat.h>

#include "common/error.h"
#include "worker/media/mux.h"

/* Frames may be decoded so much earlier than they are shown, and more. */
#define FM_REMUX_HELD 32

struct fm_remux {
    struct fm_mux *mux;
    enum fm_plan_slot slot;
    const AVStream *source;
    int64_t start, end;            /* of the part, in the source's ticks; INT64_MAX: none */
    bool added;                    /* to the file */
    bool ended;                    /* nothing that comes now belongs to the part */
    bool started;                  /* a keyframe has been seen */
    bool shown;                    /* a packet that is not hidden has */
    AVPacket *held[FM_REMUX_HELD]; /* hidden, and not yet known whether behind the film */
    size_t held_count;
    int64_t sample_carry; /* av_rescale_delta's */
    int64_t next_dts;     /* where the next decoding time would be */
};

bool fm_remux_init(struct fm_remux *remux, struct fm_mux *mux, enum fm_plan_slot slot,
                   const struct fm_plan_output *output, struct fm_error *err) FM_MUST_CHECK;
/* The packet stays the caller's. */
bool fm_remux_packet(struct fm_remux *remux, const AVPacket *packet,
                     struct fm_error *err) FM_MUST_CHECK;
bool fm_remux_end(struct fm_remux *remux, struct fm_error *err) FM_MUST_CHECK;
void fm_remux_done(struct fm_remux *remux);

#endif
