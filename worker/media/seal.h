/*
 * Seals this process: from then on it can compute and use the descriptors it holds, and do nothing
 * else. In this order, because each step needs calls that a later one forbids: rlimits → not
 * dumpable → PDEATHSIG, then getppid → no_new_privs → namespaces where that is permitted → Landlock
 * with nothing allowed → seccomp (default: kill the process) from syscalls.def.
 * Before: main, before it reads anything. After: READY.
 * Threads: call it before any thread is made; seccomp covers the calling thread and those it makes.
 */
#ifndef FM_WORKER_MEDIA_SEAL_H
#define FM_WORKER_MEDIA_SEAL_H

#include "common/error.h"

/* The memory a child may have (RLIMIT_DATA). plan refuses jobs that it estimates above this. */
#define FM_SEAL_MEMORY_BYTES (3ULL << 30)

/* There is no way back, even after a failure. SANDBOX_VIOLATION if the kernel refuses seccomp or
 * no_new_privs. `*landlock` is the Landlock ABI in force (0: none); the worker shows it. CPU time
 * is limited by the worker (prlimit) before WORK. */
bool fm_seal_close(unsigned *landlock, struct fm_error *err) FM_MUST_CHECK;

#endif
