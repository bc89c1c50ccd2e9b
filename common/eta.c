/*
 * Two exponential averages, the rate and the time left. Both are weighted by elapsed time and not
 * by the number of notes, because notes come at irregular intervals.
 */
#include "common/eta.h"

#include <math.h>

/* Progress this long ago weighs 1/e, about a third, of the present one. */
#define MEMORY_SECONDS 5.0
/* In this time the shown value moves 1 - 1/e, about two thirds, of the way to a new estimate. */
#define CALM_SECONDS 2.0
/* No estimate before this much time was measured. */
#define EARLIEST_SECONDS 1.0
/* The estimate of a stalled transfer goes to infinity. It may at most double with each note,
 * counted from LEAST_SECONDS when less was left, so that a short stall does not show hours. */
#define MOST_GROWTH 2.0
#define LEAST_SECONDS 5.0

double fm_eta_rate(const struct fm_eta *eta)
{
    return eta->spent > 0 ? eta->gained / eta->spent : -1;
}

double fm_eta_left(const struct fm_eta *eta)
{
    return eta->started ? eta->left_seconds : -1;
}

static void estimate(struct fm_eta *eta, double seconds, double total)
{
    double rate = fm_eta_rate(eta);
    if (total <= 0 || rate <= 0 || eta->elapsed_seconds < EARLIEST_SECONDS) {
        eta->left_seconds = -1;
        return;
    }
    double left = fmax(total - eta->done, 0) / rate;
    if (eta->left_seconds >= 0) {
        double expected = fmax(eta->left_seconds - seconds, 0);
        left = fmin(left, fmax(expected, LEAST_SECONDS) * MOST_GROWTH);
        left = expected + (left - expected) * (1 - exp(-seconds / CALM_SECONDS));
    }
    eta->left_seconds = left;
}

void fm_eta_note(struct fm_eta *eta, int64_t now_ms, double done, double total)
{
    if (!eta->started) {
        *eta = (struct fm_eta){.started = true, .at_ms = now_ms, .done = done, .left_seconds = -1};
        return;
    }
    double seconds = (double)(now_ms - eta->at_ms) / 1000;
    if (seconds <= 0) {
        return;
    }
    double fade = exp(-seconds / MEMORY_SECONDS);
    eta->gained = eta->gained * fade + fmax(done - eta->done, 0);
    eta->spent = eta->spent * fade + seconds;
    eta->elapsed_seconds += seconds;
    eta->at_ms = now_ms;
    eta->done = done;
    estimate(eta, seconds, total);
}
