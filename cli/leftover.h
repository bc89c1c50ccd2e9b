/*
 * What a supervisor that was killed left behind. It ends by itself, for each process is tied to its
 * supervisor's life, but may hold ports and the cluster for a moment longer.
 */
#ifndef FM_CLI_LEFTOVER_H
#define FM_CLI_LEFTOVER_H

#include "cli/state_dir.h"

/* Waits until no process of an earlier run lives: asks none to end, and kills those that will not.
 * To be called with the stack's lock held, so that there is no other run. */
bool fm_leftover_wait(const struct fm_state_dir *place, struct fm_error *err) FM_MUST_CHECK;

#endif
