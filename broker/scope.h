/* What a key may: its scopes by name, and the one an act on a job takes. */
#ifndef FM_BROKER_SCOPE_H
#define FM_BROKER_SCOPE_H

#include "broker/request.h"

/* INSUFFICIENT_SCOPE, naming the first that is missing. */
bool fm_scope_check(unsigned has, unsigned needs, struct fm_error *err) FM_MUST_CHECK;
/* To change a job takes what making it took: the request's key for the job of its look-up. */
bool fm_scope_check_job(struct fm_request *request, struct fm_error *err) FM_MUST_CHECK;

#endif
