/*
 * What is to be made of an opened source, decided before the first packet is read: each output's
 * streams, whether they are remuxed or encoded and why, their sizes, and whether the work fits into
 * the child's memory.
 * Before: input, probe and the checked spec. After: everything the stages need to know.
 */
#ifndef FM_WORKER_MEDIA_PLAN_H
#define FM_WORKER_MEDIA_PLAN_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "common/error.h"
#include "common/memory.h"
#include "proto/spec.h"
#include "worker/media/fit.h"

enum fm_plan_way { FM_PLAN_NONE, FM_PLAN_REMUX, FM_PLAN_ENCODE };

/* An output's streams, in the order they stand in its file. */
enum fm_plan_slot { FM_PLAN_VIDEO, FM_PLAN_AUDIO, FM_PLAN_SLOTS };

/* Where a GIF's colours come from: one palette of all its frames, or one for each. */
enum fm_plan_palette { FM_PLAN_PALETTE_NONE, FM_PLAN_PALETTE_SHARED, FM_PLAN_PALETTE_EACH };

/* One stream of one output. What is below `encoder` counts for FM_PLAN_ENCODE alone. */
struct fm_plan_stream {
    enum fm_plan_way way;
    const AVStream *source;
    const AVCodec *encoder;
    int64_t bit_rate; /* 0: by crf */
    int crf;          /* on the encoder's scale */
    const struct fm_preset_row *preset;
    unsigned threads;
    int width, height;               /* of the picture, rotation applied */
    int scaled_width, scaled_height; /* before it is cropped or padded */
    bool square;                     /* its pixels are made square; else the source's shape stays */
    bool still;                      /* one picture, full range */
    AVRational source_rate;          /* of the source */
    bool on_grid;                    /* its frames stand on a grid of 1/source_rate */
    AVRational frame_rate;           /* of the output */
    bool constant;                   /* the output's frames stand on a grid of 1/frame_rate */
    bool fills_grid;                 /* pictures are repeated and left out to stand on that grid */
    bool alone;                      /* the source has no other stream */
    bool thinned;                    /* frames are left out to reach frame_rate */
    enum fm_plan_palette palette;
    int channels, sample_rate;
    enum AVSampleFormat sample_format;
};

/* Seconds of the source, counted from its start; the end is INFINITY for the source's. */
struct fm_plan_part {
    double start_seconds, end_seconds;
};

struct fm_plan_output {
    const struct fm_spec_output *spec;
    const struct fm_format_row *format;
    struct fm_plan_stream streams[FM_PLAN_SLOTS];
    struct fm_plan_part part;
    double moment_seconds;   /* of a still, in the source */
    double duration_seconds; /* what is to be expected; 0: unknown */
    const char *reason;      /* for the client */
};

struct fm_plan {
    AVFormatContext *input;
    struct fm_plan_output *outputs;
    size_t count;
    unsigned threads;
    double duration_seconds; /* of the source; 0: unknown */
    double seek_seconds;     /* where reading may begin; 0: at the start */
};

/* Lives in the arena, and points at the spec and the input. NO_MEDIA_FOUND, TRIM_OUTSIDE,
 * UNSUPPORTED_CODEC, MEDIA_TOO_LARGE. A source that had to be searched stands at its start again.
 */
bool fm_plan_make(AVFormatContext *input, const struct fm_spec *spec, unsigned threads,
                  struct fm_arena *arena, struct fm_plan *plan, struct fm_error *err) FM_MUST_CHECK;

#endif
