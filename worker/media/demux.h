/*
 * Reads the source once and hands each packet to the stages that asked for its stream: through one
 * pipe to a decoder, and directly to any number of remuxes. Times come out as those of the ffmpeg
 * command: the source starts at zero, and the jumps of a clock that may jump (transport streams,
 * chained Ogg) are taken out.
 * Before: input, plan. After: decode, remux.
 * Threads: fm_demux_run is one stage and runs on a thread of its own; only this thread reads from
 * the input while it runs. `position_us` and `aborted` are shared with other threads, all other
 * members are not.
 */
#ifndef FM_WORKER_MEDIA_DEMUX_H
#define FM_WORKER_MEDIA_DEMUX_H

#include <libavformat/avformat.h>
#include <stdatomic.h>

#include "common/error.h"
#include "worker/media/pipe.h"
#include "worker/media/plan.h"
#include "worker/media/remux.h"

/* The most that the pipe to a decoder holds: some seconds of a usual film. */
#define FM_DEMUX_PACKETS 256
#define FM_DEMUX_PACKET_BYTES (32UL << 20)

/* One stream of the source and the stages that get its packets. */
struct fm_demux_stream {
    const AVStream *source;   /* NULL: no output uses such a stream */
    struct fm_pipe *decode;   /* the decoder's, or NULL */
    struct fm_remux *remuxes; /* the pipeline's array */
    size_t remux_count;
    bool whole;         /* some output needs the stream to its end */
    int64_t next_us;    /* the decoding time expected of the next packet */
    int64_t reached_us; /* the decoding time of the last packet */
    int64_t shown_us;   /* the latest time at which a packet read so far is shown */
};

struct fm_demux {
    AVFormatContext *input;
    double seek_seconds;        /* where to begin; 0: where the input stands */
    bool rewind;                /* go back to the start first: the input was read before */
    uint64_t max_seconds;       /* the longest source allowed; 0: any */
    const atomic_bool *aborted; /* set by the pipeline when a stage has failed */
    struct fm_demux_stream streams[FM_PLAN_SLOTS];
    int64_t shift_us;                /* added to every time of the source */
    int64_t last_us;                 /* the decoding time of the last packet of any stream */
    atomic_int_fast64_t position_us; /* how far reading has come; other threads read it */
};

/* A pipe of packets (AVPacket *), which frees those that the decoder does not take. */
struct fm_pipe *fm_demux_pipe_new(void);
/* Returns at the source's end, or as soon as no stage wants more of it. A read error counts as the
 * source's end. MEDIA_TOO_LONG if its packets go on for longer than max_seconds, whatever the
 * header claimed; else the errors of the remuxes. */
bool fm_demux_run(struct fm_demux *demux, struct fm_error *err) FM_MUST_CHECK;

#endif
