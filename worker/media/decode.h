/*
 * Decodes one stream, once, for every output that wants it: each frame goes, by reference, into the
 * pipe of every branch still open. Damaged packets are passed over, as players do; a stream of
 * which most are is MEDIA_INVALID, and one of a few packets is as though it were not there. Before:
 * demux. After: frames whose time_base and pts are set. Threads: runs on its own.
 */
#ifndef FM_WORKER_MEDIA_DECODE_H
#define FM_WORKER_MEDIA_DECODE_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "common/error.h"
#include "proto/spec.h"
#include "worker/media/pipe.h"

#define FM_DECODE_FRAMES 8
#define FM_DECODE_FRAME_BYTES (64UL << 20)
#define FM_DECODE_OUTLETS 16

struct fm_decode {
    const AVStream *source;
    struct fm_pipe *packets;
    struct fm_pipe *outlets[FM_DECODE_OUTLETS]; /* frames */
    size_t outlet_count;
    unsigned threads;
    bool whole; /* some branch needs it to its end */
    /* Its own from here on. */
    AVCodecContext *codec;
    AVFrame *frame;
    uint64_t packet_count, bad_count, frame_count;
    int64_t next_pts;     /* where a frame without a time is put */
    int64_t sample_carry; /* av_rescale_delta's */
};

/* A pipe of frames; discards what nobody takes. */
struct fm_pipe *fm_decode_pipe_new(void);
bool fm_decode_run(struct fm_decode *decode, struct fm_error *err) FM_MUST_CHECK;
void fm_decode_done(struct fm_decode *decode);

#endif
