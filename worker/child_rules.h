/*
 * Which message a child may send, and when: one table (DESIGN "The worker on one page"). What it
 * does not allow ends the child as a crash. Pure.
 */
#ifndef FM_WORKER_CHILD_RULES_H
#define FM_WORKER_CHILD_RULES_H

#include "proto/message.h"

/* What a child was started or taken for. */
enum fm_turn_role {
    FM_TURN_SPARE = 1, /* a media child with no work yet */
    FM_TURN_TRANSFER = 2,
    FM_TURN_WORK = 4,
    FM_TURN_VERIFY = 8,
};

/* What a child does, by what it has said and was told. */
enum fm_turn_state {
    FM_TURN_STARTED = 1,  /* exec'ed, has not said READY */
    FM_TURN_IDLE = 2,     /* READY */
    FM_TURN_BUSY = 4,     /* was told FETCH, WORK or VERIFY */
    FM_TURN_DELIVERS = 8, /* transfer: was told DELIVER */
    FM_TURN_ENDED = 16,   /* has said END, or broke its turn: nothing more is heard */
};

/* `fd_count`: descriptors that came along; SOURCE has exactly one, all else none. */
bool fm_turn_allows(enum fm_turn_role role, enum fm_turn_state state,
                    const struct fm_message *message, size_t fd_count);

#endif
