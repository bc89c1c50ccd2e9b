/*
 * Counts a worker's slots by class. A slot is taken from JOB to RESULT_ACK, or until the last child
 * of a canceled attempt is reaped. The broker counts a canceled lease's slot as free at once, so
 * the next JOB may arrive while the old children still die: that job is kept "in hand" for the
 * slot. Invariants, for each class: freeing <= taken <= total, and a job comes in hand only while
 * there are fewer of those than slots being freed. Pure: no clock, no socket.
 */
#ifndef FM_WORKER_SLOT_H
#define FM_WORKER_SLOT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/names.h"

struct fm_slots {
    unsigned total[FM_CLASS_COUNT];
    unsigned taken[FM_CLASS_COUNT];
    unsigned freeing[FM_CLASS_COUNT]; /* taken slots whose children are being killed */
    unsigned in_hand[FM_CLASS_COUNT]; /* jobs that wait for such a slot */
    uint64_t reserve_bytes;           /* of disk, for each job that runs or is in hand */
};

enum fm_slot_answer {
    FM_SLOT_TAKEN,   /* start the job */
    FM_SLOT_IN_HAND, /* a slot is about to be free: keep the job until then */
    FM_SLOT_NONE,    /* REJECT the job */
};

/* All slots are free, and reserve_bytes is 0: set it afterwards. */
void fm_slot_init(struct fm_slots *slots, unsigned net, unsigned cpu);
/* True if `free_bytes` of disk cover the reserve of every job that runs or is in hand, and of one
 * more. What a running job has written already is counted twice: that errs on the safe side. */
bool fm_slot_has_room(const struct fm_slots *slots, uint64_t free_bytes);
/* Finds room for a new JOB. */
enum fm_slot_answer fm_slot_take(struct fm_slots *slots, enum fm_class class);
/* The children in a taken slot are being killed. Call it once for each slot. */
void fm_slot_mark_freeing(struct fm_slots *slots, enum fm_class class);
/* A taken slot is free. `was_freeing`: fm_slot_mark_freeing was called for it. */
void fm_slot_release(struct fm_slots *slots, enum fm_class class, bool was_freeing);
/* A job in hand takes a free slot; false if there is none yet. */
bool fm_slot_start_in_hand(struct fm_slots *slots, enum fm_class class);
/* A job in hand is given up without a slot. */
void fm_slot_drop_in_hand(struct fm_slots *slots, enum fm_class class);

#endif
