/*
 * What a remux would lose, because the format cannot say it of packets that stay as they are: how
 * the picture is turned, what of the source is not shown.
 * Before: probe. After: plan, which encodes instead.
 */
#ifndef FM_WORKER_MEDIA_LOSS_H
#define FM_WORKER_MEDIA_LOSS_H

#include "worker/media/plan.h"

/* Said for the client; NULL: nothing would be lost. The output's part and its picture's source are
 * known. May search the source, which stands at its start again. */
const char *fm_loss_of_remux(const struct fm_plan *plan, const struct fm_plan_output *output,
                             const AVStream *source);

#endif
