/*
 * Which message a child may send, and when: one table (docs/architecture.md, "The worker"). What it
 * does not allow ends the child as a crash. Pure.
 */
#ifndef FM_WORKER_CHILD_RULES_H
#define FM_WORKER_CHILD_RULES_H

#include "proto/message.h"

/* What a child was started or taken for. */
enum fm_child_role {
    FM_CHILD_SPARE = 1, /* a media child with no work yet */
    FM_CHILD_TRANSFER = 2,
    FM_CHILD_WORK = 4,
    FM_CHILD_VERIFY = 8,
};

/* What a child does, by what it has said and was told. */
enum fm_child_state {
    FM_CHILD_STARTED = 1,  /* exec'ed, has not said READY */
    FM_CHILD_IDLE = 2,     /* READY */
    FM_CHILD_BUSY = 4,     /* was told FETCH, WORK or VERIFY */
    FM_CHILD_DELIVERS = 8, /* transfer: was told DELIVER */
    FM_CHILD_ENDED = 16,   /* has said END, or broke its turn: nothing more is heard */
};

/* `fd_count`: descriptors that came along; SOURCE has exactly one, all else none. */
bool fm_child_rules_allow(enum fm_child_role role, enum fm_child_state state,
                          const struct fm_message *message, size_t fd_count);

#endif
