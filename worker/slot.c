/* Moves the counters of each class; the assertions hold the invariants of slot.h. */
#include "worker/slot.h"

#include <assert.h>
#include <stddef.h>

void fm_slot_init(struct fm_slots *slots, unsigned net, unsigned cpu)
{
    *slots = (struct fm_slots){.total = {[FM_CLASS_NET] = net, [FM_CLASS_CPU] = cpu}};
}

bool fm_slot_has_room(const struct fm_slots *slots, uint64_t free_bytes)
{
    uint64_t places = 1;
    for (size_t i = 0; i < FM_CLASS_COUNT; i++) {
        places += slots->taken[i] + slots->in_hand[i];
    }
    return free_bytes / places >= slots->reserve_bytes;
}

enum fm_slot_answer fm_slot_take(struct fm_slots *slots, enum fm_class class)
{
    /* A job in hand has the first claim on a free slot, so slots it waits for count as taken. */
    if (slots->taken[class] + slots->in_hand[class] < slots->total[class]) {
        slots->taken[class]++;
        return FM_SLOT_TAKEN;
    }
    if (slots->in_hand[class] < slots->freeing[class]) {
        slots->in_hand[class]++;
        return FM_SLOT_IN_HAND;
    }
    return FM_SLOT_NONE;
}

void fm_slot_mark_freeing(struct fm_slots *slots, enum fm_class class)
{
    assert(slots->freeing[class] < slots->taken[class]);
    slots->freeing[class]++;
}

void fm_slot_release(struct fm_slots *slots, enum fm_class class, bool was_freeing)
{
    assert(slots->taken[class] > 0);
    slots->taken[class]--;
    if (was_freeing) {
        assert(slots->freeing[class] > 0);
        slots->freeing[class]--;
    }
}

bool fm_slot_start_in_hand(struct fm_slots *slots, enum fm_class class)
{
    assert(slots->in_hand[class] > 0);
    if (slots->taken[class] >= slots->total[class]) {
        return false;
    }
    slots->in_hand[class]--;
    slots->taken[class]++;
    return true;
}

void fm_slot_drop_in_hand(struct fm_slots *slots, enum fm_class class)
{
    assert(slots->in_hand[class] > 0);
    slots->in_hand[class]--;
}
