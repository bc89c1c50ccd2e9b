/*
 * The checks of `doctor`, one function for each part of the machine. A check returns a verdict, a
 * short description, and where something is wrong, what to type. A check may run programs and bind
 * a port for a moment, but must not change anything. Called by doctor.c, in the table's order.
 */
#ifndef FM_CLI_EXAMINE_H
#define FM_CLI_EXAMINE_H

#include "cli/state_dir.h"
#include "common/json.h"

enum fm_examine_verdict {
    FM_EXAMINE_OK,
    FM_EXAMINE_NOTE, /* works, or will be needed later */
    FM_EXAMINE_BAD,
};

struct fm_examine {
    const struct fm_state_dir *state_dir; /* borrowed */
    const struct fm_json
        *running; /* the stack's description, borrowed; NULL: not running or not ready */
    struct fm_text detail,
        fix; /* appended by the check, released by the caller; fix may be empty */
};

struct fm_examine_part {
    const char *name;
    enum fm_examine_verdict (*check)(struct fm_examine *examine);
};

extern const struct fm_examine_part fm_examine_parts[];
extern const size_t fm_examine_part_count;

#endif
