/* Holds the table of what children may send, and the function that reads it. */
#include "worker/child_rules.h"

#include "common/memory.h"

#define ANY_ROLE (FM_CHILD_SPARE | FM_CHILD_TRANSFER | FM_CHILD_WORK | FM_CHILD_VERIFY)
#define MEDIA_AT_WORK (FM_CHILD_WORK | FM_CHILD_VERIFY)
#define NOT_ENDED (FM_CHILD_STARTED | FM_CHILD_IDLE | FM_CHILD_BUSY | FM_CHILD_DELIVERING)

/* END counts as two messages here: a success may come only when a task can be done, a failure at
 * any time before END. */
enum outcome { NO_OUTCOME, SUCCESS, FAILURE };

static const struct {
    enum fm_message_type type;
    unsigned roles;
    unsigned states;
    size_t fd_count;
    enum outcome outcome;
} rows[] = {
    {FM_MESSAGE_READY, ANY_ROLE, FM_CHILD_STARTED, 0, NO_OUTCOME},
    {FM_MESSAGE_SOURCE, FM_CHILD_TRANSFER, FM_CHILD_BUSY, 1, NO_OUTCOME},
    {FM_MESSAGE_EXTENT, FM_CHILD_TRANSFER, FM_CHILD_BUSY, 0, NO_OUTCOME},
    {FM_MESSAGE_COMPLETE, FM_CHILD_TRANSFER, FM_CHILD_BUSY, 0, NO_OUTCOME},
    {FM_MESSAGE_PROGRESS, FM_CHILD_TRANSFER, FM_CHILD_BUSY | FM_CHILD_DELIVERING, 0, NO_OUTCOME},
    {FM_MESSAGE_PROGRESS, MEDIA_AT_WORK, FM_CHILD_BUSY, 0, NO_OUTCOME},
    {FM_MESSAGE_WANT_UPLOAD, FM_CHILD_TRANSFER, FM_CHILD_DELIVERING, 0, NO_OUTCOME},
    {FM_MESSAGE_END, FM_CHILD_TRANSFER, FM_CHILD_DELIVERING, 0, SUCCESS},
    {FM_MESSAGE_END, MEDIA_AT_WORK, FM_CHILD_BUSY, 0, SUCCESS},
    {FM_MESSAGE_END, ANY_ROLE, NOT_ENDED, 0, FAILURE},
};

static enum outcome outcome_of(const struct fm_message *message)
{
    if (message->type != FM_MESSAGE_END) {
        return NO_OUTCOME;
    }
    return message->end.error == FM_NONE ? SUCCESS : FAILURE;
}

bool fm_child_rules_allow(enum fm_child_role role, enum fm_child_state state,
                          const struct fm_message *message, size_t fd_count)
{
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        if (rows[i].type == message->type && (rows[i].roles & role) != 0 &&
            (rows[i].states & state) != 0 && rows[i].fd_count == fd_count &&
            rows[i].outcome == outcome_of(message)) {
            return true;
        }
    }
    return false;
}
