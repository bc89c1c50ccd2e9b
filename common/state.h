/* A job's states, and the stages a running job passes. */
#ifndef FM_COMMON_STATE_H
#define FM_COMMON_STATE_H

#include <stdbool.h>

enum fm_state {
#define FM_STATE(name, text, ended) FM_STATE_##name,
#include "common/state.def"
#undef FM_STATE
    FM_STATE_COUNT
};

/* "queued", … ; static. */
const char *fm_state_name(enum fm_state state);
bool fm_state_is_ended(enum fm_state state);

#endif
