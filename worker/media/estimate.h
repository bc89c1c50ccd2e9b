/*
 * How much memory a plan would take, told before it is begun: the child's limit would end it in the
 * middle.
 * Before: plan. After: the plan goes on, or MEDIA_TOO_LARGE.
 */
#ifndef FM_WORKER_MEDIA_ESTIMATE_H
#define FM_WORKER_MEDIA_ESTIMATE_H

#include "worker/media/plan.h"

/* Bytes of memory the plan's decoder, filters and encoders will hold at most, roughly. */
uint64_t fm_estimate_plan(const struct fm_plan *plan);
/* Bytes of the frames a GIF's palette is chosen from, all of which wait for it. 0: unknown. */
uint64_t fm_estimate_palette(const struct fm_plan_stream *stream, double seconds);

#endif
