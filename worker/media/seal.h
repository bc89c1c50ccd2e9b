/*
 * The seal: after it this process can compute, use the descriptors it holds, and nothing else.
 * Order: rlimits → not dumpable → PDEATHSIG, then getppid → no_new_privs → namespaces
 * where allowed → Landlock with nothing allowed → seccomp (default: kill process) from
 * syscalls.def. Threads: call before any is made.
 */
#ifndef FM_WORKER_MEDIA_SEAL_H
#define FM_WORKER_MEDIA_SEAL_H

#include "common/error.h"

#define FM_SEAL_MEMORY_BYTES (3ULL << 30)

/* SANDBOX_VIOLATION when seccomp or no_new_privs cannot be had; Landlock's ABI in force in
 * *landlock (0: none, the caller logs it). CPU time is set by the worker (prlimit) before WORK. */
bool fm_seal_close(unsigned *landlock, struct fm_error *err) FM_MUST_CHECK;

#endif
