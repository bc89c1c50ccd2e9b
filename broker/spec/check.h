/* What a filled spec must be as a whole: url, site, address, outputs, time. Pure. */
#ifndef FM_BROKER_SPEC_CHECK_H
#define FM_BROKER_SPEC_CHECK_H

#include "broker/spec/validate.h"

/* Completes the spec (normalised url, site, names of outputs), or fails naming the parameter. */
bool fm_check_spec(const struct fm_validate_input *input, struct fm_arena *arena,
                   struct fm_spec *spec, struct fm_error *err) FM_MUST_CHECK;

#endif
