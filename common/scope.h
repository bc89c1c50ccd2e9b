/*
 * The scopes of API keys: their names, and which one a request lacks. A set of scopes is the
 * bitwise or of their bits, as the database stores it. The list is scope.def. Pure.
 */
#ifndef FM_COMMON_SCOPE_H
#define FM_COMMON_SCOPE_H

#include "common/error.h"
#include "common/json.h"

enum fm_scope {
#define FM_SCOPE(name, bit, text, prose) FM_SCOPE_##name = (bit),
#include "common/scope.def"
#undef FM_SCOPE
};

#define FM_SCOPE(name, bit, text, prose) +1
enum {
    FM_SCOPE_COUNT = 0
#include "common/scope.def"
};
#undef FM_SCOPE

/* One row of scope.def. */
struct fm_scope_row {
    unsigned bit;
    const char *name, *prose;
};
/* All rows, in the table's order. */
extern const struct fm_scope_row fm_scopes[FM_SCOPE_COUNT];

/* The name of the first scope of the set, in the table's order; "" for an empty set. Static. */
const char *fm_scope_name(unsigned scopes);
/* Appends the names of the set's scopes, with the text `between` between two names. */
void fm_scope_format(unsigned scopes, const char *between, struct fm_text *out);
/* Writes the member "scopes": […]. */
void fm_scope_put(struct fm_json_writer *json, unsigned scopes);
/* Reads names separated by commas, without blanks. INVALID_REQUEST, with the known names in its
 * detail, if a name is unknown or empty; *scopes is untouched then. */
bool fm_scope_parse(const char *text, unsigned *scopes, struct fm_error *err) FM_MUST_CHECK;
/* True if `has` holds every scope of `needs`; else INSUFFICIENT_SCOPE, whose message names the
 * first missing scope. */
bool fm_scope_check(unsigned has, unsigned needs, struct fm_error *err) FM_MUST_CHECK;

#endif
