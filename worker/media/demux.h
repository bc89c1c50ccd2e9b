/*
 * Reads the source once and hands each packet to the stages that asked for its stream: one pipe to
 * a decoder, any number of remuxes. Times come out as the ffmpeg command's: the source's start is
 * zero, and jumps of a clock that may jump (transport streams, chained Ogg) are taken out.
 * Before: input, plan. After: packets in pipes and files. Threads: runs on its own.
 */
#ifndef FM_WORKER_MEDIA_DEMUX_H
#define FM_WORKER_MEDIA_DEMUX_H

#include <libavformat/avformat.h>
#include <stdatomic.h>

#include "common/error.h"
#include "worker/media/pipe.h"
#include "worker/media/plan.h"
#include "worker/media/remux.h"

#define FM_DEMUX_PACKETS 256
#define FM_DEMUX_PACKET_BYTES (32UL << 20)

/* Who gets one stream's packets. */
struct fm_demux_stream {
    const AVStream *source; /* NULL: not used */
    struct fm_pipe *decode; /* or NULL */
    struct fm_remux *remuxes;
    size_t remux_count;
    bool whole;         /* some output needs it to its end */
    int64_t next_us;    /* where the next packet's decoding time is expected */
    int64_t reached_us; /* the last one's */
    int64_t shown_us;   /* the latest moment a packet was for */
};

struct fm_demux {
    AVFormatContext *input;
    double seek_seconds;  /* where to begin; 0: where the input stands */
    bool rewind;          /* begin at the start, though the input was read before */
    uint64_t max_seconds; /* of the source; 0: any */
    const atomic_bool *aborted;
    struct fm_demux_stream streams[FM_PLAN_SLOTS];
    int64_t shift_us; /* added to every time */
    int64_t last_us;
    atomic_int_fast64_t position_us; /* where reading is, for others to see */
};

/* A pipe of packets; discards what nobody takes. */
struct fm_pipe *fm_demux_pipe_new(void);
/* Returns at the source's end, or as soon as nobody wants more of it. A source that breaks off is
 * at its end there. MEDIA_TOO_LONG where its packets go on for longer than its header said. */
bool fm_demux_run(struct fm_demux *demux, struct fm_error *err) FM_MUST_CHECK;

#endif
