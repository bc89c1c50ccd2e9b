/*
 * Starts the CLI's child processes: the stack's members, and short commands run to their end. A
 * child can run as another user, is sent a signal when its parent dies (PR_SET_PDEATHSIG), and
 * inherits no environment: it gets the variables listed here only.
 * Threads: only the main thread forks, because the kernel sends that signal when the thread that
 * forked ends, not the process (prctl(2)).
 */
#ifndef FM_CLI_SPAWN_H
#define FM_CLI_SPAWN_H

#include "cli/state_dir.h"
#include "common/text.h"

struct fm_spawn {
    const char *const *argv; /* argv[0]: a path, or a name looked up on PATH */
    const char *const
        *environment; /* "NAME=value", NULL-terminated, up to 60; PATH, LANG and TZ are added */
    const struct fm_state_dir_user *user; /* NULL: this process's user */
    const char *log_path; /* gets stdout and stderr, appended; NULL: both are inherited */
    int death_signal;     /* sent to the child when its parent dies; 0: none */
    int output;           /* descriptor to use as stdout; -1: none */
};

/* Forks and returns; the caller reaps *pid. SYSTEM when the log cannot be opened or fork fails. A
 * program that cannot be executed shows later, as exit code FM_DAEMON_NOT_STARTED. */
bool fm_spawn_start(const struct fm_spawn *process, pid_t *pid, struct fm_error *err) FM_MUST_CHECK;
/* Runs a program to its end, without a time limit. Its stdout is appended to `out`, up to 64 KiB
 * (NULL: dropped); its stderr is ours. SYSTEM with the exit status or signal unless it exits with
 * 0. The child is killed when this process dies. */
bool fm_spawn_run(const char *const *argv, const char *const *environment,
                  const struct fm_state_dir_user *user, struct fm_text *out,
                  struct fm_error *err) FM_MUST_CHECK;

#endif
