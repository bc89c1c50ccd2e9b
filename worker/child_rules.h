/*
 * Decides which message a child may send, and when, by one table (docs/architecture.md, "The
 * worker"). Children read hostile input, so the worker trusts none of them: a message that the
 * table does not allow ends the child as a crash. Pure.
 */
#ifndef FM_WORKER_CHILD_RULES_H
#define FM_WORKER_CHILD_RULES_H

#include "proto/message.h"

/* What a child was started or taken for. Powers of two, so that a row of the table can name several
 * roles; the states likewise. */
enum fm_child_role {
    FM_CHILD_SPARE = 1, /* a media child with no work yet */
    FM_CHILD_TRANSFER = 2,
    FM_CHILD_WORK = 4,
    FM_CHILD_VERIFY = 8,
};

/* How far a child is, by the messages it has sent and received. */
enum fm_child_state {
    FM_CHILD_STARTED = 1,    /* executed, has not sent READY */
    FM_CHILD_IDLE = 2,       /* has sent READY */
    FM_CHILD_BUSY = 4,       /* has FETCH, WORK or VERIFY to do */
    FM_CHILD_DELIVERING = 8, /* transfer: has DELIVER to do */
    FM_CHILD_ENDED = 16,     /* has sent END, or was broken: no further message is allowed */
};

/* `fd_count`: descriptors that came with the message; SOURCE has exactly one, all others none. */
bool fm_child_rules_allow(enum fm_child_role role, enum fm_child_state state,
                          const struct fm_message *message, size_t fd_count);

#endif
