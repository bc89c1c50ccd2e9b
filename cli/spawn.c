/*
 * Starts child processes: see spawn.h. What the child does between fork and exec stands in its own
 * part; the order there matters and is set in run_child().
 */
#include "cli/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/daemon.h"
#include "common/file.h"
#include "common/memory.h"

#define OUTPUT_LIMIT 65536   /* bytes of stdout that fm_spawn_run keeps */
#define ENVIRONMENT_LIMIT 64 /* entries, the terminating NULL included */

/* ---- in the child: between fork and exec ---- */

/* Groups first, user last: without root's rights the groups cannot be changed any more. */
static void switch_user(const struct fm_state_dir_user *user)
{
    if (!user || !user->name || user->uid == geteuid()) {
        return;
    }
    if (initgroups(user->name, user->gid) != 0 || setgid(user->gid) != 0 ||
        setuid(user->uid) != 0) {
        _exit(FM_DAEMON_NOT_STARTED);
    }
}

/* The kernel clears the death signal when the user changes (prctl(2)), so it is set after
 * switch_user(). If the parent has died before this point, no signal will come: end at once. */
static void set_death_signal(int death_signal, pid_t parent)
{
    if (!death_signal) {
        return;
    }
    prctl(PR_SET_PDEATHSIG, death_signal);
    if (getppid() != parent) {
        _exit(FM_DAEMON_NOT_STARTED);
    }
}

static void redirect_output(const struct fm_spawn *process, int log_fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    if (log_fd >= 0) {
        dup2(log_fd, STDOUT_FILENO);
        dup2(log_fd, STDERR_FILENO);
    }
    if (process->output >= 0) {
        dup2(process->output, STDOUT_FILENO);
    }
}

static void environment_of(const struct fm_spawn *process, const char *out[ENVIRONMENT_LIMIT])
{
    size_t count = 0;
    out[count++] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    out[count++] = "LANG=C.UTF-8";
    out[count++] = "TZ=UTC";
    for (size_t i = 0;
         process->environment && process->environment[i] && count < ENVIRONMENT_LIMIT - 1; i++) {
        out[count++] = process->environment[i];
    }
    out[count] = NULL;
}

/* execvpe is declared with pointers to non-const, but changes neither list nor texts. */
static char **without_const(const char *const *list)
{
    union {
        const char *const *in;
        char **out;
    } both = {.in = list};
    return both.out;
}

/* Blocked signals and ignored handlers survive exec: the supervisor blocks SIGTERM, SIGINT and
 * SIGCHLD, which the child must receive. */
static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
}

static void run_child(const struct fm_spawn *process, int log_fd, pid_t parent)
{
    const char *environment[ENVIRONMENT_LIMIT];
    environment_of(process, environment);
    reset_signals();
    redirect_output(process, log_fd);
    switch_user(process->user);
    set_death_signal(process->death_signal, parent);
    if (process->log_path) {
        setsid(); /* the terminal's Ctrl-C must reach the supervisor only */
    }
    if (chdir("/") != 0) {
        _exit(FM_DAEMON_NOT_STARTED);
    }
    execvpe(process->argv[0], without_const(process->argv), without_const(environment));
    fprintf(stderr, "%s: %s\n", process->argv[0], strerror(errno));
    _exit(FM_DAEMON_NOT_STARTED);
}

/* ---- in the parent ---- */

bool fm_spawn_start(const struct fm_spawn *process, pid_t *pid, struct fm_error *err)
{
    FM_AUTO(fm_file_close) int log_fd = -1;
    if (process->log_path) {
        log_fd = open(process->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
        if (log_fd < 0) {
            return fm_fail(err, FM_SYSTEM, "%s: %s", process->log_path, strerror(errno));
        }
    }
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) {
        return fm_fail_errno(err, "fork"); /* *pid stays: kill(-1) would reach every process */
    }
    if (child == 0) {
        run_child(process, log_fd, parent);
    }
    *pid = child;
    return true;
}

/* Reads to the end even when `out` is full, so that the child never blocks on a full pipe. */
static void read_output(int fd, struct fm_text *out)
{
    char bytes[4096];
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0 && out->length + (size_t)got <= OUTPUT_LIMIT) {
            fm_text_append_bytes(out, bytes, (size_t)got);
        }
    }
}

static bool reap_child(pid_t pid, const char *name, struct fm_error *err)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return fm_fail_errno(err, "waitpid");
        }
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    return fm_fail(err, FM_SYSTEM, "%s ended with %s %d", name,
                   WIFEXITED(status) ? "status" : "signal",
                   WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
}

bool fm_spawn_run(const char *const *argv, const char *const *environment,
                  const struct fm_state_dir_user *user, struct fm_text *out, struct fm_error *err)
{
    int ends[2];
    pid_t pid = 0;
    FM_AUTO(fm_text_done) struct fm_text dropped = {0};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return fm_fail_errno(err, "pipe");
    }
    struct fm_spawn process = {.argv = argv,
                               .environment = environment,
                               .user = user,
                               .output = ends[1],
                               .death_signal = SIGKILL};
    bool is_started = fm_spawn_start(&process, &pid, err);
    fm_file_close(&ends[1]);
    if (is_started) {
        read_output(ends[0], out ? out : &dropped);
    }
    fm_file_close(&ends[0]);
    return is_started && reap_child(pid, argv[0], err);
}
