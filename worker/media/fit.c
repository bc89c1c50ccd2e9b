/* The three ways to fit: CONTAIN in a function of its own, COVER and PAD together. */
#include "worker/media/fit.h"

#include <libavutil/common.h>
#include <limits.h>
#include <math.h>

#include "worker/media/input.h"

/* To a multiple of the step, of which there is at least one. */
static int round_down(int value, int step)
{
    return FFMAX(value / step * step, step);
}

/* The multiple of the step nearest to the value, from `least` to `most`, which are multiples. */
static int nearest_multiple(double value, int step, int least, int most)
{
    double steps = fmin(round(value / step), (double)most / step);
    return FFMAX((int)steps * step, FFMAX(least, step));
}

static struct fm_fit_size same_size(int width, int height, bool square)
{
    return (struct fm_fit_size){width, height, width, height, square};
}

/* Width and height are those displayed. A picture that is scaled gets square pixels on the way. */
static struct fm_fit_size fit_inside(const struct fm_fit_ask *ask, double width, double height)
{
    int most_width = round_down(ask->box_width > 0 ? ask->box_width : INT_MAX, ask->step);
    int most_height = round_down(ask->box_height > 0 ? ask->box_height : INT_MAX, ask->step);
    double ratio = fmin(most_width / width, most_height / height);
    if (ratio >= 1 && !ask->square) {
        return same_size(round_down(ask->width, ask->step), round_down(ask->height, ask->step),
                         false);
    }
    ratio = fmin(ratio, 1);
    return same_size(nearest_multiple(width * ratio, ask->step, 0, most_width),
                     nearest_multiple(height * ratio, ask->step, 0, most_height), true);
}

bool fm_fit_size(const struct fm_fit_ask *ask, struct fm_fit_size *size, struct fm_error *err)
{
    /* Square pixels of the size displayed. Pixels that are not square are stretched on one side and
     * never shrunk on the other, so that no detail is lost. */
    double shape = ask->aspect.num > 0 && ask->aspect.den > 0 ? av_q2d(ask->aspect) : 1;
    double width = ask->width * fmax(shape, 1), height = ask->height / fmin(shape, 1);
    int box_width = round_down(ask->box_width, ask->step);
    int box_height = round_down(ask->box_height, ask->step);
    bool cover = ask->fit == FM_FIT_COVER;
    if (ask->fit == FM_FIT_CONTAIN) {
        *size = fit_inside(ask, width, height);
        return true;
    }
    double across = box_width / width, down = box_height / height;
    double ratio = cover ? fmax(across, down) : fmin(across, down);
    if (width * ratio * height * ratio > (double)FM_INPUT_MAX_PIXELS) {
        return fm_fail(err, FM_MEDIA_TOO_LARGE, "%d x %d cannot cover %d x %d", ask->width,
                       ask->height, box_width, box_height);
    }
    *size = same_size(box_width, box_height, true);
    size->scaled_width = nearest_multiple(width * ratio, ask->step, cover ? box_width : 0,
                                          cover ? INT_MAX : box_width);
    size->scaled_height = nearest_multiple(height * ratio, ask->step, cover ? box_height : 0,
                                           cover ? INT_MAX : box_height);
    return true;
}
