/*
 * How fast something goes, and how long it has left, told so that people can believe it: the rate
 * is that of the last seconds, not of the whole past, and the time left counts down between two
 * estimates and moves towards a new one rather than jumping to it.
 */
#ifndef FM_COMMON_ETA_H
#define FM_COMMON_ETA_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: nothing noted yet. */
struct fm_eta {
    bool started;
    int64_t at_ms; /* of the last note */
    double done;
    double elapsed_seconds;
    double gained, spent; /* what was done in which time; both fade */
    double left_seconds;  /* -1: unknown */
};

/* `done` in any unit, of `total` (0: unknown). The first note is where counting starts. */
void fm_eta_note(struct fm_eta *eta, int64_t now_ms, double done, double total);
/* Units a second; -1: unknown. */
double fm_eta_rate(const struct fm_eta *eta);
/* Seconds; -1: unknown, as it is in the first second. */
double fm_eta_left(const struct fm_eta *eta);

#endif
