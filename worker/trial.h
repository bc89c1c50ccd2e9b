/*
 * Tests the media child's seal before the worker registers: for each forbidden call, one sealed
 * child tries it and must be killed by SIGSYS or refused. A worker whose seal leaks does not start.
 * Before: main.c, at start and for --try-seal. After: serve.c may take jobs. Blocks until all
 * children are reaped.
 */
#ifndef FM_WORKER_TRIAL_H
#define FM_WORKER_TRIAL_H

#include "common/error.h"

/* SANDBOX_VIOLATION if a call got through; its detail names the call. Other errors: a call could
 * not be tried. Builds with a sanitizer log a warning, try nothing and return true. */
bool fm_trial_run(const char *media_path, struct fm_error *err) FM_MUST_CHECK;

#endif
