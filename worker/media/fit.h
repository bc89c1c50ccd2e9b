/*
 * How a picture meets the box it is asked for: the sizes alone, of a picture as it is displayed.
 * Before: plan. After: the numbers filter scales, crops and pads by.
 */
#ifndef FM_WORKER_MEDIA_FIT_H
#define FM_WORKER_MEDIA_FIT_H

#include <libavutil/rational.h>

#include "common/error.h"
#include "proto/operations.h"

/* What is to be fitted. */
struct fm_fit_ask {
    enum fm_fit fit;
    int width, height;         /* of the source, rotation applied */
    AVRational aspect;         /* the shape of its pixels */
    int box_width, box_height; /* 0: no bound that way; COVER and PAD have both */
    int step;                  /* what comes out is a multiple of it; 2 for 4:2:0 */
    bool square;               /* pixels must come out square */
};

/* Scaled to one size, then cropped or padded to the other. */
struct fm_fit_size {
    int width, height;
    int scaled_width, scaled_height;
    bool square; /* pixels are made square; else the source's shape stays */
};

/* CONTAIN never enlarges, and leaves a picture alone that lies inside the box; COVER and PAD give
 * exactly the box (its sides rounded down to the step). MEDIA_TOO_LARGE where so flat a picture
 * would have to be scaled beyond all sense to cover its box. */
bool fm_fit_size(const struct fm_fit_ask *ask, struct fm_fit_size *size,
                 struct fm_error *err) FM_MUST_CHECK;

#endif
