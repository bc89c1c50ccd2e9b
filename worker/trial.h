/*
 * The seal put to the test at start: one sealed media child per forbidden call tries it, and must
 * be ended by SIGSYS or be refused. A worker whose seal leaks does not register.
 */
#ifndef FM_WORKER_TRIAL_H
#define FM_WORKER_TRIAL_H

#include "common/error.h"

/* SANDBOX_VIOLATION, the log naming the call, if one got through or could not be tried. */
bool fm_trial_run(const char *media_path, struct fm_error *err) FM_MUST_CHECK;

#endif
