/*
 * Estimates how much memory a plan would take, so that a job which cannot fit is refused before it
 * starts. Without that the child would run into RLIMIT_DATA halfway through.
 * Before: plan. After: the plan goes on, or fails with MEDIA_TOO_LARGE. Threads: any.
 */
#ifndef FM_WORKER_MEDIA_ESTIMATE_H
#define FM_WORKER_MEDIA_ESTIMATE_H

#include "worker/media/plan.h"

/* The bytes that the plan's decoder, filters and encoders will hold at most, roughly. Reads the
 * outputs' streams, whose `threads` have to be set. */
uint64_t fm_estimate_plan(const struct fm_plan *plan);
/* The bytes of all frames of a GIF: with one palette for the whole, every frame waits in memory
 * until the palette is chosen. 0 if `seconds` or the frame rate is. */
uint64_t fm_estimate_palette(const struct fm_plan_stream *stream, double seconds);

#endif
