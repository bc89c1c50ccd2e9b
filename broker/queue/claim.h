/*
 * Free slots take the next keys: one claim event each, and JOB leaves after its commit. A job that
 * overtakes nobody is born leased.
 * Before: order (keys), session (free slots). After: a lease, and a JOB on the link. Threads: the
 * queue thread.
 */
#ifndef FM_BROKER_QUEUE_CLAIM_H
#define FM_BROKER_QUEUE_CLAIM_H

#include "broker/queue/hub.h"

/* An ENQUEUE is about to be added to the queue: gets a lease to be born with where its pool has a
 * free slot and nobody is overtaken. */
void fm_claim_offer(struct fm_hub *hub, struct fm_queue_event *event);
/* That ENQUEUE is done: its JOB leaves, or it stands among the waiting. */
void fm_claim_born(struct fm_hub *hub, const struct fm_queue_event *event);

/* Claims for every free slot whose pool has a known key; returns how many workers are attached. */
unsigned fm_claim_fill(struct fm_hub *hub);

#endif
