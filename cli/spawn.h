/*
 * Processes the supervisor starts: as another user, tied to its life (PDEATHSIG), with an
 * environment of its own, output to a log file or captured. Threads: the main thread alone forks
 * (PDEATHSIG is tied to the thread).
 */
#ifndef FM_CLI_SPAWN_H
#define FM_CLI_SPAWN_H

#include "cli/state_dir.h"
#include "common/text.h"

struct fm_spawn {
    const char *const *argv; /* argv[0]: a path, or a name looked up on PATH */
    const char *const
        *environment; /* "NAME=value", NULL-terminated; PATH, LANG=C.UTF-8 and TZ are added */
    const struct fm_state_dir_user *user; /* NULL: as we are */
    const char *log_path;                 /* stdout and stderr, appended; NULL: ours */
    int death_signal;                     /* when we die; 0: none */
    int output;                           /* a descriptor for stdout; -1: none */
};

/* Forks and execs; SYSTEM when the program cannot be started. */
bool fm_spawn_start(const struct fm_spawn *process, pid_t *pid, struct fm_error *err) FM_MUST_CHECK;
/* Runs to the end; stdout appended to `out` (may be NULL: dropped) up to 64 KiB. SYSTEM with its
 * last line of stderr when it does not exit with 0. */
bool fm_spawn_run(const char *const *argv, const char *const *environment,
                  const struct fm_state_dir_user *user, struct fm_text *out,
                  struct fm_error *err) FM_MUST_CHECK;

#endif
