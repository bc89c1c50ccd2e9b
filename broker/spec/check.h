/* Checks a filled spec as a whole, after fields.c has checked each field: url, site, address,
 * headers, outputs, file name, time. Also for a retry, whose spec comes from the database. Pure. */
#ifndef FM_BROKER_SPEC_CHECK_H
#define FM_BROKER_SPEC_CHECK_H

#include "broker/spec/validate.h"

/* Completes the spec (normalised url, site, names of outputs), or fails and names the parameter.
 * New texts live in the arena. A `run_at_ms` in the past becomes 0: at once. */
bool fm_check_spec(const struct fm_validate_input *input, struct fm_arena *arena,
                   struct fm_spec *spec, struct fm_error *err) FM_MUST_CHECK;

#endif
