/*
 * Decides what is made of an opened source before the first stage runs: the streams of each output,
 * whether they are remuxed or encoded and why, their sizes and rates, and whether the work fits
 * into the child's memory. The records here are what every later stage works from. Before: input,
 * probe and the checked spec. After: pipeline and its stages. Threads: made by one thread; constant
 * from then on, so every stage reads it without a lock.
 */
#ifndef FM_WORKER_MEDIA_PLAN_H
#define FM_WORKER_MEDIA_PLAN_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "common/error.h"
#include "common/memory.h"
#include "proto/spec.h"
#include "worker/media/fit.h"

/* How a stream gets into the output; NONE: the output has no such stream. */
enum fm_plan_way { FM_PLAN_NONE, FM_PLAN_REMUX, FM_PLAN_ENCODE };

/* The streams of an output, in the order in which its file has them. */
enum fm_plan_slot { FM_PLAN_VIDEO, FM_PLAN_AUDIO, FM_PLAN_SLOTS };

/* Where the colours of a GIF come from: one palette shared by all frames, or one for each frame. */
enum fm_plan_palette { FM_PLAN_PALETTE_NONE, FM_PLAN_PALETTE_SHARED, FM_PLAN_PALETTE_EACH };

/* One stream of one output. Everything from `encoder` on is set for FM_PLAN_ENCODE alone. A grid of
 * 1/rate means that frames begin at multiples of 1/rate seconds only. */
struct fm_plan_stream {
    enum fm_plan_way way;
    const AVStream *source;
    const AVCodec *encoder;
    int64_t bit_rate; /* bits a second; 0: quality is set by crf */
    int crf;          /* on the encoder's own scale */
    const struct fm_preset_row *preset;
    unsigned threads;
    int width, height;               /* of the output's picture, after its rotation */
    int scaled_width, scaled_height; /* before cropping or padding */
    bool square;                     /* pixels are made square; else they keep the source's shape */
    bool still;                      /* a single picture */
    AVRational source_rate;          /* frames a second of the source */
    bool on_grid;                    /* the source's frames lie on a grid of 1/source_rate */
    AVRational frame_rate;           /* frames a second of the output */
    bool constant;                   /* the output's frames lie on a grid of 1/frame_rate */
    bool fills_grid;                 /* frames are repeated and dropped to fill that grid */
    bool alone;                      /* the source has no other stream */
    bool thinned;                    /* frames are dropped to reach frame_rate */
    enum fm_plan_palette palette;
    int channels, sample_rate; /* samples a second */
    enum AVSampleFormat sample_format;
};

/* The part of the source an output is made of, from the source's start. An end of INFINITY is the
 * end of the source. */
struct fm_plan_part {
    double start_seconds, end_seconds;
};

struct fm_plan_output {
    const struct fm_spec_output *spec;
    const struct fm_format_row *format;
    struct fm_plan_stream streams[FM_PLAN_SLOTS];
    struct fm_plan_part part;
    double moment_seconds;   /* where a still is taken, from the source's start */
    double duration_seconds; /* the length to expect; 0: unknown */
    const char *reason;      /* why each stream is remuxed or encoded, for the client */
};

struct fm_plan {
    AVFormatContext *input;
    struct fm_plan_output *outputs;
    size_t count;
    unsigned threads;        /* for all codecs together */
    double duration_seconds; /* of the source; 0: unknown */
    double seek_seconds;     /* where reading may begin; 0: at the start */
};

/* The plan lives in the arena and points into the spec and the input. May read packets to find a
 * keyframe, and leaves the source at its start. NO_MEDIA_FOUND, TRIM_OUTSIDE, UNSUPPORTED_CODEC,
 * MEDIA_INVALID, MEDIA_TOO_LARGE (of the plan's memory or of a size). */
bool fm_plan_make(AVFormatContext *input, const struct fm_spec *spec, unsigned threads,
                  struct fm_arena *arena, struct fm_plan *plan, struct fm_error *err) FM_MUST_CHECK;

#endif
