/* The rows of state.def as a table, and look-ups in it. */
#include "common/state.h"

#include <assert.h>

struct row {
    const char *name;
    bool ended;
};

static const struct row rows[FM_STATE_COUNT] = {
#define FM_STATE(name, text, ended) {text, ended},
#include "common/state.def"
#undef FM_STATE
};

const char *fm_state_name(enum fm_state state)
{
    assert(state < FM_STATE_COUNT);
    return rows[state].name;
}

bool fm_state_is_ended(enum fm_state state)
{
    assert(state < FM_STATE_COUNT);
    return rows[state].ended;
}
