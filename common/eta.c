/* Two exponential averages, both over time and not over notes: these come when they come. */
#include "common/eta.h"

#include <math.h>

/* What happened this long ago counts for a third of what happens now. */
#define MEMORY_SECONDS 5.0
/* A new estimate is followed two thirds of the way in this time. */
#define CALM_SECONDS 2.0
/* Before, nothing has been seen to judge by. */
#define EARLIEST_SECONDS 1.0
/* What stands still has no end in sight; the time left then doubles over and over. */
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
