/*
 * A job's states, as the client reads them. The list is state.def; the stages of a running job are
 * FM_STAGE in proto/names.def. Pure.
 */
#ifndef FM_COMMON_STATE_H
#define FM_COMMON_STATE_H

#include <stdbool.h>

enum fm_state {
#define FM_STATE(name, text, ended) FM_STATE_##name,
#include "common/state.def"
#undef FM_STATE
    FM_STATE_COUNT
};

/* "queued", …; static. */
const char *fm_state_name(enum fm_state state);
/* True for the states that a job never leaves by itself. */
bool fm_state_is_ended(enum fm_state state);

#endif
