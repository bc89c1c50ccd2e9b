/* The scopes of API keys, by their names, and what a key lacks. A set of scopes is their bits. */
#ifndef FM_COMMON_SCOPE_H
#define FM_COMMON_SCOPE_H

#include "common/error.h"
#include "common/json.h"

enum fm_scope {
#define FM_SCOPE(name, bit, text, prose) FM_SCOPE_##name = (bit),
#include "common/scope.def"
#undef FM_SCOPE
};

/* The name of the first scope in the set; "" for none. Static. */
const char *fm_scope_name(unsigned scopes);
/* Appends the names, `between` them. */
void fm_scope_format(unsigned scopes, const char *between, struct fm_text *out);
/* Writes "scopes": […]. */
void fm_scope_put(struct fm_json_writer *json, unsigned scopes);
/* Names with commas between; INVALID_REQUEST if one is none of ours. */
bool fm_scope_parse(const char *text, unsigned *scopes, struct fm_error *err) FM_MUST_CHECK;
/* INSUFFICIENT_SCOPE, naming the first that is missing. */
bool fm_scope_check(unsigned has, unsigned needs, struct fm_error *err) FM_MUST_CHECK;

#endif
