/*
 * Gives waiting jobs to free slots: each slot takes the next key of its pool's schedule, one CLAIM
 * event is added for it, and the JOB message leaves after that event's commit. A new job that would
 * overtake no other is born leased, without a claim of its own.
 * Before: schedule (keys), session (free slots). After: a lease, and a JOB on the link.
 * Threads: the queue thread.
 */
#ifndef FM_BROKER_QUEUE_CLAIM_H
#define FM_BROKER_QUEUE_CLAIM_H

#include "broker/queue/hub.h"

/* For an ENQUEUE that is about to be added to the queue: gives it a lease to be born with, if its
 * pool has a free slot and no waiting job would be overtaken. */
void fm_claim_offer(struct fm_hub *hub, struct fm_queue_event *event);
/* For the same ENQUEUE once it is done: sends its JOB, or adds the job to the schedule. */
void fm_claim_born(struct fm_hub *hub, const struct fm_queue_event *event);

/* Adds a CLAIM for every free slot whose pool has a known key. Returns the number of attached
 * workers. */
unsigned fm_claim_fill(struct fm_hub *hub);

#endif
