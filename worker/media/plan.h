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

enum fm_plan_way { FM_PLAN_NONE, FM_PLAN_REMUX, FM_PLAN_ENCODE };

/* An output's streams, in the order they stand in its file. */
enum fm_plan_slot { FM_PLAN_VIDEO, FM_PLAN_AUDIO, FM_PLAN_SLOTS };

/* One stream of one output. What is below `encoder` counts for FM_PLAN_ENCODE alone. */
struct fm_plan_stream {
    enum fm_plan_way way;
    const AVStream *source;
    const AVCodec *encoder;
    int64_t bit_rate; /* 0: by crf */
    int crf;
    const char *preset;
    unsigned threads;
    int width, height;     /* of the picture, rotation applied */
    bool square;           /* its pixels are made square; else the source's shape stays */
    bool still;            /* one picture, full range */
    AVRational frame_rate; /* of the source */
    bool constant;         /* the source's frames stand on a grid of 1/frame_rate */
    int channels, sample_rate;
    enum AVSampleFormat sample_format;
};

struct fm_plan_output {
    const struct fm_spec_output *spec;
    const struct fm_format_row *format;
    struct fm_plan_stream streams[FM_PLAN_SLOTS];
    const char *reason; /* for the client */
};

struct fm_plan {
    AVFormatContext *input;
    struct fm_plan_output *outputs;
    size_t count;
    unsigned threads;
    double duration_seconds; /* of the source; 0: unknown */
    double seek_seconds;     /* where stills alone let reading begin; 0: at the start */
};

struct fm_plan_size {
    int width, height;
    bool square;
};

/* Lives in the arena, and points at the spec and the input. NO_MEDIA_FOUND, UNSUPPORTED_CODEC,
 * MEDIA_TOO_LARGE. */
bool fm_plan_make(AVFormatContext *input, const struct fm_spec *spec, unsigned threads,
                  struct fm_arena *arena, struct fm_plan *plan, struct fm_error *err) FM_MUST_CHECK;

/* The picture's size inside a box (0: no bound that way): aspect kept, never enlarged, both numbers
 * multiples of `step`. `aspect` is the shape of the source's pixels; where the box takes effect
 * they are made square. */
struct fm_plan_size fm_plan_fit(struct fm_plan_size source, AVRational aspect,
                                struct fm_plan_size box, int step);

/* Bytes of memory the plan's decoder and encoders will hold at most, roughly. */
uint64_t fm_plan_estimate(const struct fm_plan *plan);

#endif
