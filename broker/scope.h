/* The scopes that an act on a job takes. */
#ifndef FM_BROKER_SCOPE_H
#define FM_BROKER_SCOPE_H

#include "broker/request.h"

/* To change a job takes what making it took: the request's key for the job of its look-up. */
bool fm_scope_check_job(struct fm_request *request, struct fm_error *err) FM_MUST_CHECK;

#endif
