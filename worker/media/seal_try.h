/*
 * The self-test of the seal: makes one forbidden call from inside a sealed process. When it starts,
 * the worker runs a child for each call, and registers only if SIGSYS has killed every child or the
 * call was refused (worker/trial.c).
 * Threads: the process has only one.
 */
#ifndef FM_WORKER_MEDIA_SEAL_TRY_H
#define FM_WORKER_MEDIA_SEAL_TRY_H

#include <stdbool.h>

/* True if the call of that name worked (socket, open, exec, fork, ptrace, kill, stat, share, grow),
 * or if there is none of that name, so that a misspelt name cannot pass for a refusal. */
bool fm_seal_try_succeeds(const char *name);

#endif
