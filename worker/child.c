/* Forks and executes a child, reads its channel, reaps it, and judges its end. */
#include "worker/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/daemon.h"
#include "common/file.h"
#include "common/log.h"
#include "common/memory.h"

/* From END to exit a child only frees memory and closes files. */
#define END_GRACE_MS 10000
/* Between the soft limit's SIGXCPU and the hard limit's SIGKILL: SIGXCPU must be what ends it. */
#define CPU_GRACE_SECONDS 5

/* ---- between fork and exec: only async-signal-safe calls, for ZeroMQ has threads ---- */

static void reset_signals(void)
{
    sigset_t none;
    for (int number = 1; number < NSIG; number++) {
        signal(number, SIG_DFL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool place_descriptors(int channel_fd)
{
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0) {
        return false;
    }
    /* dup2 clears CLOEXEC on the copy, but does nothing if both numbers are the same. */
    bool is_placed = channel_fd == FM_CHANNEL_CHILD_FD ? fcntl(channel_fd, F_SETFD, 0) == 0
                                                       : dup2(channel_fd, FM_CHANNEL_CHILD_FD) >= 0;
    return is_placed && close_range(FM_CHANNEL_CHILD_FD + 1, ~0U, 0) == 0;
}

static void exec_program(char *const *arguments, char *const *environment, int channel_fd,
                         pid_t parent)
{
    setpgid(0, 0);
    /* If the worker died before prctl took effect, no signal will come: then the parent differs. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == parent &&
        place_descriptors(channel_fd)) {
        reset_signals();
        execve(arguments[0], arguments, environment);
    }
    _exit(FM_DAEMON_NOT_STARTED);
}

/* ---- start ---- */

/* Blocks all signals around the fork, so that no handler of the worker can run in the child. */
static pid_t fork_quietly(char *const *arguments, char *const *environment, int channel_fd)
{
    sigset_t all;
    sigset_t before;
    pid_t parent = getpid();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        exec_program(arguments, environment, channel_fd, parent);
    }
    int why = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return pid;
}

bool fm_child_exec(char *const *arguments, int channel_fd, pid_t *pid, int *pidfd,
                   struct fm_error *err)
{
    char search[] = "PATH=/usr/bin:/bin";
    char language[] = "LANG=C.UTF-8";
    char level[64];
    const char *wanted = getenv("FETCHMEDIA_LOG_LEVEL");
    snprintf(level, sizeof(level), "FETCHMEDIA_LOG_LEVEL=%s", wanted != NULL ? wanted : "info");
    char *const environment[] = {search, language, level, NULL};
    *pid = fork_quietly(arguments, environment, channel_fd);
    if (*pid < 0) {
        return fm_fail_errno(err, "fork");
    }
    /* Parent and child both set the group: whichever runs first, killpg finds it. */
    setpgid(*pid, *pid);
    *pidfd = pidfd_open(*pid, 0);
    if (*pidfd < 0) {
        fm_fail_errno(err, "pidfd");
        kill(*pid, SIGKILL);
        waitpid(*pid, NULL, 0);
        return false;
    }
    return true;
}

static void serve_channel(void *context);
static void serve_pidfd(void *context);

struct fm_child *fm_child_new(struct fm_loop *loop, const char *path, enum fm_child_role role,
                              const struct fm_child_owner *owner, struct fm_error *err)
{
    FM_AUTO(fm_file_close) int ours = -1;
    FM_AUTO(fm_file_close) int theirs = -1;
    FM_AUTO_FREE char *program = fm_strdup(path);
    char *const arguments[] = {program, NULL};
    struct fm_child *child = fm_alloc(sizeof(*child));
    child->role = role;
    child->state = FM_CHILD_STARTED;
    child->owner = *owner;
    child->loop = loop;
    child->pidfd = -1;
    child->end_by_ms = FM_CLOCK_NEVER;
    child->on_channel = (struct fm_loop_source){serve_channel, child};
    child->on_pidfd = (struct fm_loop_source){serve_pidfd, child};
    if (!fm_channel_pair(&ours, &theirs, err) ||
        !fm_child_exec(arguments, theirs, &child->pid, &child->pidfd, err)) {
        fm_memory_release(&child);
        return NULL;
    }
    child->channel =
        fm_channel_new(ours, role == FM_CHILD_TRANSFER ? FM_FROM_TRANSFER : FM_FROM_MEDIA);
    ours = -1;
    if (!fm_loop_watch(loop, fm_channel_fd(child->channel), &child->on_channel, err) ||
        !fm_loop_watch(loop, child->pidfd, &child->on_pidfd, err)) {
        fm_child_destroy(&child);
        return NULL;
    }
    return child;
}

/* ---- end ---- */

void fm_child_kill(struct fm_child *child)
{
    if (child->past.is_killed || child->pidfd < 0) {
        return;
    }
    child->past.is_killed = true;
    /* The child is not reaped yet, so its pid and group id cannot belong to another process. */
    pidfd_send_signal(child->pidfd, SIGKILL, NULL, 0);
    killpg(child->pid, SIGKILL);
}

void fm_child_break(struct fm_child *child, const char *format, ...)
{
    va_list arguments;
    if (child->past.is_broken || child->past.is_killed) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(child->detail, sizeof(child->detail), format, arguments);
    va_end(arguments);
    child->past.is_broken = true;
    child->state = FM_CHILD_ENDED;
    fm_child_kill(child);
}

static void close_channel(struct fm_child *child)
{
    if (child->channel != NULL) {
        fm_loop_unwatch(child->loop, fm_channel_fd(child->channel));
        fm_channel_destroy(&child->channel);
    }
}

static void close_pidfd(struct fm_child *child)
{
    if (child->pidfd >= 0) {
        fm_loop_unwatch(child->loop, child->pidfd);
        fm_file_close(&child->pidfd);
    }
}

static bool reap_child(struct fm_child *child, siginfo_t *info)
{
    int answer = 0;
    *info = (siginfo_t){0};
    do {
        answer = waitid(P_PIDFD, (id_t)child->pidfd, info, WEXITED);
    } while (answer != 0 && errno == EINTR);
    return answer == 0;
}

void fm_child_destroy(struct fm_child **child)
{
    siginfo_t info;
    if (*child == NULL) {
        return;
    }
    if ((*child)->pidfd >= 0) {
        fm_child_kill(*child);
        reap_child(*child, &info);
    }
    close_channel(*child);
    close_pidfd(*child);
    if ((*child)->past.has_end) {
        fm_message_done(&(*child)->end);
    }
    fm_memory_release(child);
    *child = NULL;
}

static bool is_signal(const siginfo_t *info, int number)
{
    return info->si_code != CLD_EXITED && info->si_status == number;
}

enum fm_child_fate fm_child_judge(const siginfo_t *info, const struct fm_child_past *past)
{
    if (is_signal(info, SIGSYS)) {
        return FM_CHILD_SANDBOX;
    }
    if (is_signal(info, SIGXCPU)) {
        return FM_CHILD_CPU;
    }
    /* The worker killed it because it broke the rules: that is the fate, not the kill. */
    if (past->is_broken) {
        return FM_CHILD_CRASHED;
    }
    /* An END stands even if the worker then killed a child that did not exit in time. A success
     * followed by a bad exit does not stand; a failure does, whatever the exit status. */
    bool is_exit = info->si_code == CLD_EXITED;
    if (past->has_end &&
        (past->is_killed || (is_exit && !past->is_end_ok) || (is_exit && info->si_status == 0))) {
        return FM_CHILD_FINISHED;
    }
    if (is_signal(info, SIGKILL)) {
        return past->is_killed ? FM_CHILD_KILLED : FM_CHILD_LOST;
    }
    return past->is_killed ? FM_CHILD_KILLED : FM_CHILD_CRASHED;
}

const char *fm_child_fate_name(enum fm_child_fate fate)
{
    static const char *const names[] = {
        [FM_CHILD_FINISHED] = "finished", [FM_CHILD_CRASHED] = "crashed",
        [FM_CHILD_SANDBOX] = "sandbox",   [FM_CHILD_CPU] = "cpu",
        [FM_CHILD_KILLED] = "killed",     [FM_CHILD_LOST] = "lost",
    };
    return names[fate];
}

/* ---- receive ---- */

/* END is kept, and counts only once the process is reaped: until then it may still write. */
static void keep_end(struct fm_child *child, struct fm_message *message)
{
    child->state = FM_CHILD_ENDED;
    child->past.has_end = true;
    child->past.is_end_ok = message->end.error == FM_NONE;
    child->end_by_ms = fm_clock_ms() + END_GRACE_MS;
    child->end = *message;
    message->arena = (struct fm_arena){0};
}

static void handle_message(struct fm_child *child, struct fm_message *message, int *fds,
                           size_t fd_count)
{
    if (child->past.is_killed) {
        return;
    }
    if (!fm_child_rules_allow(child->role, child->state, message, fd_count)) {
        fm_child_break(child, "%s with %zu descriptors came out of turn",
                       fm_message_name(message->type), fd_count);
        return;
    }
    if (message->type == FM_MESSAGE_END) {
        keep_end(child, message);
        return;
    }
    if (message->type == FM_MESSAGE_READY) {
        child->state = FM_CHILD_IDLE;
    }
    child->owner.on_message(child->owner.context, child, message, fds);
}

/* Handles one packet; false if there is none, or none will come any more. */
static bool receive_packet(struct fm_child *child)
{
    struct fm_message message;
    struct fm_error err = {0};
    int fds[FM_CHANNEL_DESCRIPTORS];
    size_t fd_count = 0;
    if (child->channel == NULL) {
        return false;
    }
    switch (fm_channel_receive(child->channel, 0, &message, fds, &fd_count, &err)) {
    case FM_CHANNEL_MESSAGE:
        handle_message(child, &message, fds, fd_count);
        for (size_t i = 0; i < fd_count; i++) {
            fm_file_close(&fds[i]);
        }
        fm_message_done(&message);
        return true;
    case FM_CHANNEL_BROKEN:
        fm_child_break(child, "channel: %s", err.detail);
        close_channel(child);
        return false;
    case FM_CHANNEL_CLOSED:
        close_channel(child);
        return false;
    case FM_CHANNEL_NOTHING:
        break;
    }
    return false;
}

static void serve_channel(void *context)
{
    struct fm_child *child = context;
    receive_packet(child);
    /* A child without a channel cannot send END any more, so it gets the same grace to exit. */
    if (child->channel == NULL && !child->past.has_end) {
        child->end_by_ms = fm_clock_ms() + END_GRACE_MS;
    }
}

/* The child has ended. Messages it sent before are still in the channel and count. */
static void serve_pidfd(void *context)
{
    struct fm_child *child = context;
    siginfo_t info;
    while (receive_packet(child)) {
    }
    if (!reap_child(child, &info)) {
        return;
    }
    enum fm_child_fate fate = fm_child_judge(&info, &child->past);
    if (fate != FM_CHILD_FINISHED && child->detail[0] == '\0') {
        snprintf(child->detail, sizeof(child->detail), "%s %d",
                 info.si_code == CLD_EXITED ? "exit" : "signal", info.si_status);
    }
    close_channel(child);
    close_pidfd(child);
    child->owner.on_gone(child->owner.context, child, fate);
}

int64_t fm_child_tick(struct fm_child *child, int64_t now_ms)
{
    if (now_ms < child->end_by_ms) {
        return child->end_by_ms;
    }
    if (child->past.has_end) {
        fm_child_kill(child);
    } else {
        fm_child_break(child, "closed its channel but did not exit");
    }
    return FM_CLOCK_NEVER;
}

/* ---- send ---- */

bool fm_child_send(struct fm_child *child, const struct fm_message *message, const int *fds,
                   size_t fd_count)
{
    struct fm_error err = {0};
    if (child->channel == NULL || child->past.is_killed) {
        return false;
    }
    if (fm_channel_send(child->channel, message, fds, fd_count, 0, &err)) {
        return true;
    }
    fm_child_break(child, "%s: %s", fm_message_name(message->type), err.detail);
    return false;
}

bool fm_child_limit_cpu(struct fm_child *child, uint64_t seconds, struct fm_error *err)
{
    const struct rlimit limit = {seconds, seconds + CPU_GRACE_SECONDS};
    return prlimit(child->pid, RLIMIT_CPU, &limit, NULL) == 0 || fm_fail_errno(err, "prlimit");
}
