/*
 * The rate of a running transfer or encode, and the time it has left, as numbers people can
 * believe: the rate is that of the last seconds, not of the whole past, and the time left counts
 * down between two estimates and moves towards a new one rather than jumping to it. Called for each
 * PROGRESS report by worker/transfer/fetch.c and worker/media/task.c. Pure: the caller passes the
 * time.
 */
#ifndef FM_COMMON_ETA_H
#define FM_COMMON_ETA_H

#include <stdbool.h>
#include <stdint.h>

/* The state of one measurement; all zero is its start. */
struct fm_eta {
    bool started;
    int64_t at_ms; /* of the last note */
    double done;
    double elapsed_seconds;
    double gained, spent; /* units done, and the seconds they took; both fade with age */
    double left_seconds;  /* -1: unknown */
};

/* Notes that `done` units of `total` (0: unknown) are finished at `now_ms`, on fm_clock_ms()'s
 * clock. The unit is the caller's (bytes, media seconds). The first note only starts the count;
 * later notes may come at any interval. */
void fm_eta_note(struct fm_eta *eta, int64_t now_ms, double done, double total);
/* Units per second; -1: unknown. */
double fm_eta_rate(const struct fm_eta *eta);
/* Seconds left; -1: unknown, as in the first second, without a total, and without a rate. */
double fm_eta_left(const struct fm_eta *eta);

#endif
