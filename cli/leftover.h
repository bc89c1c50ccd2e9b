/*
 * Waits for the processes of a supervisor that was killed. They end by themselves, because each is
 * tied to its parent's life (spawn.h), but may hold ports and the cluster a moment longer.
 * Called by up.c before anything is made or started.
 */
#ifndef FM_CLI_LEFTOVER_H
#define FM_CLI_LEFTOVER_H

#include "cli/state_dir.h"

/* Waits until no process of an earlier run lives: sends no signal for 20 s, then SIGKILL, and fails
 * with SYSTEM after 40 s. Only with the stack's lock held: without it, the processes found could
 * belong to a running stack. */
bool fm_leftover_wait(const struct fm_state_dir *state_dir, struct fm_error *err) FM_MUST_CHECK;

#endif
