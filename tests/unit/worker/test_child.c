/* Tests child.c with real children, which end in many different ways. */
#include "tests/unit/worker/unit.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "worker/child.h"

static pid_t start(const char *script, int *pidfd, int *ours)
{
    char shell[] = "/bin/sh";
    char option[] = "-c";
    FM_AUTO_FREE char *text = fm_strdup(script);
    char *const arguments[] = {shell, option, text, NULL};
    FM_AUTO(fm_file_close) int theirs = -1;
    struct fm_error err = {0};
    pid_t pid = -1;
    assert_true(fm_channel_pair(ours, &theirs, &err));
    assert_true(fm_child_exec(arguments, theirs, &pid, pidfd, &err));
    return pid;
}

static siginfo_t wait_for(int pidfd)
{
    siginfo_t info = {0};
    struct pollfd wanted = {pidfd, POLLIN, 0};
    assert_int_equal(poll(&wanted, 1, PATIENCE_MS), 1);
    assert_int_equal(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED), 0);
    return info;
}

static siginfo_t run(const char *script)
{
    FM_AUTO(fm_file_close) int pidfd = -1;
    FM_AUTO(fm_file_close) int ours = -1;
    start(script, &pidfd, &ours);
    return wait_for(pidfd);
}

static enum fm_child_fate judge(const char *script, struct fm_child_past past)
{
    siginfo_t info = run(script);
    return fm_child_judge(&info, &past);
}

static void an_exit_after_end_is_what_end_said(void **state)
{
    (void)state;
    struct fm_child_past ok = {.has_end = true, .is_end_ok = true};
    struct fm_child_past failed = {.has_end = true};
    assert_int_equal(judge("exit 0", ok), FM_CHILD_FINISHED);
    assert_int_equal(judge("exit 0", failed), FM_CHILD_FINISHED);
    assert_int_equal(judge("exit 1", failed), FM_CHILD_FINISHED);
    /* After a success, a bad exit makes it a crash. */
    assert_int_equal(judge("exit 1", ok), FM_CHILD_CRASHED);
    assert_int_equal(judge("kill -SEGV $$", ok), FM_CHILD_CRASHED);
}

static void an_exit_without_end_is_a_crash(void **state)
{
    (void)state;
    struct fm_child_past silent = {0};
    assert_int_equal(judge("exit 0", silent), FM_CHILD_CRASHED);
    assert_int_equal(judge("exit 3", silent), FM_CHILD_CRASHED);
    assert_int_equal(judge("kill -SEGV $$", silent), FM_CHILD_CRASHED);
    assert_int_equal(judge("kill -ABRT $$", silent), FM_CHILD_CRASHED);
}

static void sandbox_and_processor_time_have_signals_of_their_own(void **state)
{
    (void)state;
    struct fm_child_past silent = {0};
    assert_int_equal(judge("kill -SYS $$", silent), FM_CHILD_SANDBOX);
    assert_int_equal(judge("kill -XCPU $$", silent), FM_CHILD_CPU);
}

static void a_sigkill_is_ours_or_another_ones(void **state)
{
    (void)state;
    struct fm_child_past silent = {0};
    struct fm_child_past ours = {.is_killed = true};
    struct fm_child_past broken = {.is_killed = true, .is_broken = true};
    assert_int_equal(judge("kill -KILL $$", silent), FM_CHILD_LOST);
    assert_int_equal(judge("kill -KILL $$", ours), FM_CHILD_KILLED);
    assert_int_equal(judge("kill -KILL $$", broken), FM_CHILD_CRASHED);
}

static void a_child_inherits_its_channel_and_nothing_else(void **state)
{
    (void)state;
    setenv("FM_TEST_SECRET", "s", 1);
    int leak = fcntl(2, F_DUPFD, 50); /* without CLOEXEC */
    assert_int_equal(leak, 50);
    siginfo_t info = run("test -S /proc/$$/fd/3 && test ! -e /proc/$$/fd/50 && "
                         "test -z \"$FM_TEST_SECRET\"");
    close(leak);
    assert_int_equal(info.si_code, CLD_EXITED);
    assert_int_equal(info.si_status, 0);
}

static void a_child_has_a_group_of_its_own(void **state)
{
    (void)state;
    FM_AUTO(fm_file_close) int pidfd = -1;
    FM_AUTO(fm_file_close) int ours = -1;
    pid_t pid = start("read line <&3; exit 0", &pidfd, &ours);
    assert_int_equal(getpgid(pid), pid);
    assert_int_equal(killpg(pid, SIGKILL), 0);
    siginfo_t info = wait_for(pidfd);
    assert_int_equal(info.si_status, SIGKILL);
}

/* A process in the middle plays the worker: when it ends, its child must end too. */
static void a_child_does_not_outlive_its_worker(void **state)
{
    (void)state;
    int channel[2];
    struct fm_error err = {0};
    assert_true(fm_channel_pair(&channel[0], &channel[1], &err));
    pid_t worker = fork();
    if (worker == 0) {
        char shell[] = "/bin/sh";
        char option[] = "-c";
        char script[] = "echo up >&3; exec sleep 1000";
        char *const arguments[] = {shell, option, script, NULL};
        pid_t pid = -1;
        int pidfd = -1;
        char byte;
        bool is_up = fm_child_exec(arguments, channel[1], &pid, &pidfd, &err);
        close(channel[1]);
        fcntl(channel[0], F_SETFL, 0);
        _exit(is_up && recv(channel[0], &byte, 1, MSG_PEEK) == 1 ? 0 : 1);
    }
    fm_file_close(&channel[1]);
    int status = 0;
    assert_int_equal(waitpid(worker, &status, 0), worker);
    assert_int_equal(status, 0);
    /* The child's end of the channel closes when the child dies, not after its 1000 s of sleep. */
    char bytes[16];
    struct pollfd wanted = {channel[0], POLLIN, 0};
    ssize_t got = 1;
    while (got > 0) {
        assert_int_equal(poll(&wanted, 1, PATIENCE_MS), 1);
        got = recv(channel[0], bytes, sizeof(bytes), 0);
    }
    assert_int_equal(got, 0);
    fm_file_close(&channel[0]);
}

/* ---- fm_child_new: a child watched by the loop ---- */

struct seen {
    bool is_gone;
    enum fm_child_fate fate;
    char detail[128];
};

static void on_message(void *context, struct fm_child *child, const struct fm_message *message,
                       int *fds)
{
    (void)context;
    (void)child;
    (void)message;
    (void)fds;
}

static void on_gone(void *context, struct fm_child *child, enum fm_child_fate fate)
{
    struct seen *seen = context;
    seen->is_gone = true;
    seen->fate = fate;
    memcpy(seen->detail, child->detail, sizeof(seen->detail));
    fm_child_destroy(&child);
}

static void watch(const char *program, bool is_killed, struct seen *seen)
{
    struct fm_error err = {0};
    const struct fm_child_owner owner = {seen, on_message, on_gone};
    struct fm_loop *loop = fm_loop_new(&err);
    int64_t until_ms = fm_clock_ms() + PATIENCE_MS;
    *seen = (struct seen){0};
    struct fm_child *child = fm_child_new(loop, program, FM_CHILD_SPARE, &owner, &err);
    assert_non_null(child);
    if (is_killed) {
        fm_child_kill(child);
    }
    while (!seen->is_gone && fm_clock_ms() < until_ms) {
        fm_loop_next(loop, 100);
    }
    assert_true(seen->is_gone);
    fm_loop_destroy(&loop);
}

static void a_program_that_says_nothing_has_crashed(void **state)
{
    struct seen seen;
    (void)state;
    watch("/bin/true", false, &seen);
    assert_int_equal(seen.fate, FM_CHILD_CRASHED);
    assert_string_equal(seen.detail, "exit 0");
}

static void a_program_that_is_not_there_has_crashed(void **state)
{
    struct seen seen;
    (void)state;
    watch("/nowhere/fetchmedia-media", false, &seen);
    assert_int_equal(seen.fate, FM_CHILD_CRASHED);
    assert_string_equal(seen.detail, "exit 127");
}

static void a_killed_child_is_reaped_and_told_so(void **state)
{
    struct seen seen;
    (void)state;
    watch("/usr/bin/yes", true, &seen);
    assert_int_equal(seen.fate, FM_CHILD_KILLED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exit_after_end_is_what_end_said),
        cmocka_unit_test(an_exit_without_end_is_a_crash),
        cmocka_unit_test(sandbox_and_processor_time_have_signals_of_their_own),
        cmocka_unit_test(a_sigkill_is_ours_or_another_ones),
        cmocka_unit_test(a_child_inherits_its_channel_and_nothing_else),
        cmocka_unit_test(a_child_has_a_group_of_its_own),
        cmocka_unit_test(a_child_does_not_outlive_its_worker),
        cmocka_unit_test(a_program_that_says_nothing_has_crashed),
        cmocka_unit_test(a_program_that_is_not_there_has_crashed),
        cmocka_unit_test(a_killed_child_is_reaped_and_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
