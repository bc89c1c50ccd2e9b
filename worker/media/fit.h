/*
 * Computes to what size a picture is scaled, cropped or padded to fit the box a client requested.
 * Sizes alone, of the picture as it is displayed; it touches no pixel.
 * Before: plan. After: the sizes that filter works with. Threads: any.
 */
#ifndef FM_WORKER_MEDIA_FIT_H
#define FM_WORKER_MEDIA_FIT_H

#include <libavutil/rational.h>

#include "common/error.h"
#include "proto/names.h"

/* The picture and the box it should fit. */
struct fm_fit_ask {
    enum fm_fit fit;
    int width, height;         /* of the source in pixels, after its rotation; above 0 */
    AVRational aspect;         /* width of a pixel to its height; 0/x: unknown, taken as square */
    int box_width, box_height; /* 0: no bound on that side; COVER and PAD have both */
    int step;                  /* every size is a multiple of this: 2 for 4:2:0, else 1 */
    bool square;               /* the output's pixels must be square */
};

/* The picture is scaled to scaled_width x scaled_height, then cropped or padded to width x height.
 */
struct fm_fit_size {
    int width, height;
    int scaled_width, scaled_height;
    bool square; /* pixels are made square; else they keep the source's shape */
};

/* CONTAIN never enlarges, and does not scale a picture that lies inside the box. COVER and PAD give
 * exactly the box, its sides rounded down to the step. MEDIA_TOO_LARGE if a very flat or narrow
 * picture would have to be scaled above FM_INPUT_MAX_PIXELS to cover its box. */
bool fm_fit_size(const struct fm_fit_ask *ask, struct fm_fit_size *size,
                 struct fm_error *err) FM_MUST_CHECK;

#endif
