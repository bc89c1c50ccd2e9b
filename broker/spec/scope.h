/* What a key may: its scopes by name. Pure. */
#ifndef FM_BROKER_SPEC_SCOPE_H
#define FM_BROKER_SPEC_SCOPE_H

#include "common/error.h"

/* INSUFFICIENT_SCOPE, naming the first that is missing. */
bool fm_scope_check(unsigned has, unsigned needs, struct fm_error *err) FM_MUST_CHECK;

#endif
