/*
 * The seal's self-test: one forbidden call, tried from inside. The worker runs each word at start
 * and does not register unless every one dies by SIGSYS or comes back refused.
 */
#ifndef FM_WORKER_MEDIA_SEAL_TRY_H
#define FM_WORKER_MEDIA_SEAL_TRY_H

#include <stdbool.h>

/* True if the sealed process could still make the call named (socket, open, exec, fork, ptrace,
 * kill, stat, share, grow), or there is no such word. */
bool fm_seal_try_succeeds(const char *word);

#endif
