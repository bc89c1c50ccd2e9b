/*
 * Decodes one stream once for every output that wants it: each frame goes, by reference, into the
 * pipe of every branch that is still open. Damaged packets are skipped, as players do. A stream
 * that is mostly damaged is MEDIA_INVALID; a stream of only a few packets, none of which decode,
 * counts as absent.
 * Before: demux. After: frames whose time_base and pts are set.
 * Threads: fm_decode_run is one stage and runs on a thread of its own; libav adds `threads` more.
 */
#ifndef FM_WORKER_MEDIA_DECODE_H
#define FM_WORKER_MEDIA_DECODE_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "common/error.h"
#include "proto/spec.h"
#include "worker/media/pipe.h"

/* The most that a branch's pipe holds: a few frames, or fewer where frames are large (an 8-bit
 * 4:2:0 frame of 8192x4320 has 53 MB). */
#define FM_DECODE_FRAMES 8
#define FM_DECODE_FRAME_BYTES (64UL << 20)
/* One branch for each output a job may have (proto/spec.def). */
#define FM_DECODE_OUTLETS 16

struct fm_decode {
    const AVStream *source;
    struct fm_pipe *packets;                    /* AVPacket *, from fm_demux_pipe_new */
    struct fm_pipe *outlets[FM_DECODE_OUTLETS]; /* AVFrame *, one pipe a branch, owned by it */
    size_t outlet_count;
    unsigned threads; /* of the codec */
    bool whole;       /* some branch needs the stream to its end, so damage at any place counts */
    /* Private from here on. */
    AVCodecContext *codec;
    AVFrame *frame;
    uint64_t packet_count, bad_count, frame_count;
    int64_t next_pts;     /* the pts of the next frame, if it comes without a time */
    int64_t sample_carry; /* the state of av_rescale_delta */
};

/* A pipe of frames (AVFrame *), which frees those that no branch takes. */
struct fm_pipe *fm_decode_pipe_new(void);
/* Returns at the stream's end or when no branch wants more of it, with `packets` closed. After
 * success the outlets are finished; after an error they are left open, and the pipeline closes
 * them. MEDIA_INVALID, UNSUPPORTED_CODEC, RESOURCE_MEMORY. */
bool fm_decode_run(struct fm_decode *decode, struct fm_error *err) FM_MUST_CHECK;
void fm_decode_done(struct fm_decode *decode);

#endif
