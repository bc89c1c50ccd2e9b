/* Names the pool that a new job waits in, for the POST of one job (submit.c), of a batch (batch.c),
 * and for the queue position that a job shows (job_view.c). Pure. */
#ifndef FM_BROKER_API_SUBMIT_H
#define FM_BROKER_API_SUBMIT_H

#include "proto/spec.h"

/* The job's pool, as PLACEMENT:CLASS. Static text. */
const char *fm_submit_pool(const struct fm_spec *spec);

#endif
