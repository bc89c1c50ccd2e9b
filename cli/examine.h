/*
 * What `doctor` looks at, one function a part of the machine: each says how it stands, in a few
 * words, and what to type where it is not well. May not: change anything.
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
    const struct fm_state_dir *place;
    const struct fm_json *running; /* the stack's description; NULL: it does not run */
    struct fm_text detail, fix;
};

struct fm_examine_part {
    const char *name;
    enum fm_examine_verdict (*look)(struct fm_examine *examine);
};

extern const struct fm_examine_part fm_examine_parts[];
extern const size_t fm_examine_part_count;

#endif
