/* What a key may do: the scopes of scope.def, a set of which is the OR of their bits. Pure. */
#ifndef FM_COMMON_SCOPE_H
#define FM_COMMON_SCOPE_H

#include "common/error.h"

enum fm_scope {
#define FM_SCOPE(name, bit, text, prose) FM_SCOPE_##name = bit,
#include "common/scope.def"
#undef FM_SCOPE
};
#define FM_SCOPE_COUNT 3

/* One row of scope.def. */
struct fm_scope_row {
    unsigned bit;
    const char *name, *prose;
};

/* All rows, in the table's order; a row whose name is NULL ends them. */
extern const struct fm_scope_row fm_scopes[FM_SCOPE_COUNT + 1];

/* The bit of that name; 0 for a name that is no scope. */
unsigned fm_scope_by_name(const char *name);
/* INSUFFICIENT_SCOPE, naming the first scope of `needs` that is missing in `has`. */
bool fm_scope_check(unsigned has, unsigned needs, struct fm_error *err) FM_MUST_CHECK;

#endif
