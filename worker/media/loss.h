/*
 * Finds out what a remux would lose because the format has no room for it beside the packets: the
 * rotation of the picture, or which part of the source is hidden.
 * Before: probe. After: plan, which encodes such a stream. Threads: those of plan.
 */
#ifndef FM_WORKER_MEDIA_LOSS_H
#define FM_WORKER_MEDIA_LOSS_H

#include "worker/media/plan.h"

/* Returns the loss as a text for the client (a constant); NULL if there is none. The plan must have
 * set the output's part and the source of its video. May read from the source, and leaves it at its
 * start. */
const char *fm_loss_of_remux(const struct fm_plan *plan, const struct fm_plan_output *output,
                             const AVStream *source);

#endif
