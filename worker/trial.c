/* Runs one child for each forbidden call, one after the other; each lives a few milliseconds. */
#include "worker/trial.h"

#include <poll.h>
#include <signal.h>

#include "common/file.h"
#include "common/log.h"
#include "common/memory.h"
#include "worker/child.h"

#define PATIENCE_MS 20000 /* far more than a loaded machine needs; then the child is killed */
#define TRIES 3 /* a call is tried again if its child got SIGKILL, as from the OOM killer */

/* A sanitizer's runtime needs calls that the seal refuses; such builds run only in tests. */
#ifdef FM_SANITIZED
#define IS_UNSEALED true
#else
#define IS_UNSEALED false
#endif

/* The child exits with 0 if its call failed; some refusals are an error code, others SIGSYS. */
static bool is_refused(const siginfo_t *info)
{
    if (info->si_code == CLD_EXITED) {
        return info->si_status == 0;
    }
    return info->si_status == SIGSYS;
}

/* Reaps the child. One that is not done in time is killed, and its end counts as a SIGKILL. */
static bool wait_for_child(int pidfd, pid_t pid, siginfo_t *info, struct fm_error *err)
{
    struct pollfd wanted = {.fd = pidfd, .events = POLLIN};
    int answer = poll(&wanted, 1, PATIENCE_MS);
    if (answer != 1) {
        kill(pid, SIGKILL);
    }
    if (waitid(P_PIDFD, (id_t)pidfd, info, WEXITED) != 0) {
        return fm_fail_errno(err, "waitid");
    }
    return true;
}

static bool run_child(const char *path, const char *call, siginfo_t *info, struct fm_error *err)
{
    FM_AUTO(fm_file_close) int ours = -1;
    FM_AUTO(fm_file_close) int theirs = -1;
    FM_AUTO(fm_file_close) int pidfd = -1;
    FM_AUTO_FREE char *program = fm_strdup(path);
    FM_AUTO_FREE char *word = fm_strdup(call);
    char option[] = "--try";
    char *const arguments[] = {program, option, word, NULL};
    pid_t pid = -1;
    return fm_channel_pair(&ours, &theirs, err) &&
           fm_child_exec(arguments, theirs, &pid, &pidfd, err) &&
           wait_for_child(pidfd, pid, info, err);
}

/* A child that got SIGKILL proves nothing about the seal. */
static bool was_killed(const siginfo_t *info)
{
    return info->si_code != CLD_EXITED && info->si_status == SIGKILL;
}

static bool try_call(const char *path, const char *call, struct fm_error *err)
{
    siginfo_t info = {0};
    int tries = 0;
    do {
        if (!run_child(path, call, &info, err)) {
            return false;
        }
    } while (was_killed(&info) && ++tries < TRIES);
    if (was_killed(&info)) {
        return fm_fail(err, FM_SYSTEM, "the trial of %s was killed %d times", call, tries);
    }
    if (!is_refused(&info)) {
        return fm_fail(err, FM_SANDBOX_VIOLATION, "the seal let %s through (%s %d)", call,
                       info.si_code == CLD_EXITED ? "exit" : "signal", info.si_status);
    }
    return true;
}

bool fm_trial_run(const char *media_path, struct fm_error *err)
{
    static const char *const calls[] = {"socket", "open", "exec",  "fork", "ptrace",
                                        "kill",   "stat", "share", "grow"};
    if (IS_UNSEALED) {
        fm_log(FM_LOG_WARNING, "seal_not_tried", "reason=sanitizer_build");
        return true;
    }
    for (size_t i = 0; i < FM_COUNT(calls); i++) {
        if (!try_call(media_path, calls[i], err)) {
            return false;
        }
    }
    fm_log(FM_LOG_INFO, "seal_tried", "calls=%zu", FM_COUNT(calls));
    return true;
}
