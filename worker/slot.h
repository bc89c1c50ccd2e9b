/*
 * A worker's places for jobs, counted by class. A place is taken from JOB to RESULT_ACK (or until
 * the last child of a canceled attempt is reaped). Pure: no clock, no socket.
 */
#ifndef FM_WORKER_SLOT_H
#define FM_WORKER_SLOT_H

#include <stdbool.h>

#include "proto/operations.h"

struct fm_slots {
    unsigned total[FM_CLASS_COUNT];
    unsigned taken[FM_CLASS_COUNT];
    unsigned freeing[FM_CLASS_COUNT]; /* of the taken: their children are being killed */
    unsigned in_hand[FM_CLASS_COUNT]; /* jobs that wait for one of those */
    uint64_t reserve_bytes;           /* of disk, for each place taken */
};

enum fm_slot_answer {
    FM_SLOT_TAKEN,   /* start it */
    FM_SLOT_IN_HAND, /* a place is about to be free: keep it until then */
    FM_SLOT_NONE,    /* REJECT */
};

void fm_slot_init(struct fm_slots *slots, unsigned net, unsigned cpu);
/* True if the disk, with so much free, has room for what every taken place may still write, and for
 * one more. */
bool fm_slot_has_room(const struct fm_slots *slots, uint64_t free_bytes);
enum fm_slot_answer fm_slot_take(struct fm_slots *slots, enum fm_class class);
/* The job of a taken place is being killed. */
void fm_slot_freeing(struct fm_slots *slots, enum fm_class class);
/* It is free; `was_freeing`: it was told of before. */
void fm_slot_give(struct fm_slots *slots, enum fm_class class, bool was_freeing);
/* A job in hand takes a free place: false if there is none. */
bool fm_slot_start(struct fm_slots *slots, enum fm_class class);
/* A job in hand is given up. */
void fm_slot_drop(struct fm_slots *slots, enum fm_class class);

#endif
