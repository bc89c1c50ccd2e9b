/* What a POST of one job and a POST of many have in common. */
#ifndef FM_BROKER_API_SUBMIT_H
#define FM_BROKER_API_SUBMIT_H

#include "proto/spec.h"

/* Where a job waits: placement × class. Static text. */
const char *fm_submit_pool(const struct fm_spec *spec);

#endif
