/*
 * Free slots take the next keys: one claim event each, and JOB leaves after its commit.
 * Before: order (keys), session (free slots). After: a lease, and a JOB on the link. Threads: the
 * queue thread.
 */
#ifndef FM_BROKER_CLAIM_H
#define FM_BROKER_CLAIM_H

#include "broker/hub.h"

/* Claims for every free slot whose pool has a known key; returns how many workers are attached. */
unsigned fm_claim_fill(struct fm_hub *hub);

#endif
