/* The seal of the real program, seen from outside. FM_BIN_DIR is the directory of the programs. */
#include "tests/unit/media/fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "worker/media/seal.h"

static int run_try(const char *name)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl(media_program(), "fetchmedia-media", "--try", name, (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static bool is_refused(int status)
{
    return (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) ||
           (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void each_forbidden_call_dies_by_sigsys_or_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"socket", "open", "exec",  "fork", "ptrace",
                                        "kill",   "stat", "share", "grow"};
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        int status = run_try(names[i]);
        if (!is_refused(status)) {
            print_error("%s: status %#x\n", names[i], (unsigned)status);
        }
        assert_true(is_refused(status));
    }
}

static void an_unknown_name_is_no_proof(void **state)
{
    (void)state;
    int status = run_try("nothing");
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static bool status_has(pid_t pid, const char *line)
{
    char path[64], text[8192] = "";
    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    FM_AUTO(fm_file_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text) - 1) > 0);
    return strstr(text, line) != NULL;
}

static void a_ready_child_is_sealed(void **state)
{
    (void)state;
    struct media_child child = start_child();
    struct fm_message ready;
    expect_message(&child, FM_MESSAGE_READY, &ready);
    fm_message_done(&ready);
    assert_true(status_has(child.pid, "\nSeccomp:\t2\n"));
    assert_true(status_has(child.pid, "\nNoNewPrivs:\t1\n"));
    assert_true(status_has(child.pid, "\nThreads:\t1\n"));
    struct rlimit limit;
    assert_int_equal(prlimit(child.pid, RLIMIT_DATA, NULL, &limit), 0);
    assert_int_equal(limit.rlim_max, FM_SEAL_MEMORY_BYTES);
    assert_int_equal(prlimit(child.pid, RLIMIT_CORE, NULL, &limit), 0);
    assert_int_equal(limit.rlim_max, 0);
    assert_int_equal(prlimit(child.pid, RLIMIT_NOFILE, NULL, &limit), 0);
    assert_true(limit.rlim_max <= 64);
    assert_int_equal(end_child(&child), 0);
}

/* After SIGCONT the kernel resumes an interrupted wait by a call of its own (restart_syscall). */
static void an_idle_child_survives_being_stopped(void **state)
{
    (void)state;
    struct media_child child = start_child();
    struct fm_message ready;
    expect_message(&child, FM_MESSAGE_READY, &ready);
    fm_message_done(&ready);
    int status = 0;
    kill(child.pid, SIGSTOP);
    assert_int_equal(waitpid(child.pid, &status, WUNTRACED), child.pid);
    assert_true(WIFSTOPPED(status));
    kill(child.pid, SIGCONT);
    assert_int_equal(end_child(&child), 0);
}

static void a_message_out_of_turn_ends_it(void **state)
{
    (void)state;
    struct media_child child = start_child();
    struct fm_message message;
    struct fm_error err = {0};
    expect_message(&child, FM_MESSAGE_READY, &message);
    fm_message_done(&message);
    fm_message_init(&message, FM_MESSAGE_JOB);
    assert_true(fm_channel_send(child.channel, &message, NULL, 0, 1000, &err));
    fm_message_done(&message);
    int status = 0;
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    fm_channel_destroy(&child.channel);
}

/* A process between the test and the child starts the child and dies. The test keeps the channel
 * open, so only the death of its parent can end the child. */
static void a_child_dies_with_its_parent(void **state)
{
    (void)state;
    struct fm_error err = {0};
    int ours = -1, theirs = -1, report[2];
    assert_true(fm_channel_pair(&ours, &theirs, &err));
    assert_int_equal(pipe(report), 0);
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    pid_t between = fork();
    if (between == 0) {
        pid_t pid = fork();
        if (pid == 0) {
            exec_media(theirs);
        }
        _exit(write(report[1], &pid, sizeof(pid)) == sizeof(pid) && pause() ? 1 : 0);
    }
    close(theirs);
    struct media_child child = {.channel = fm_channel_new(ours, FM_FROM_MEDIA)};
    assert_int_equal(read(report[0], &child.pid, sizeof(child.pid)), sizeof(child.pid));
    struct fm_message ready;
    expect_message(&child, FM_MESSAGE_READY, &ready);
    fm_message_done(&ready);
    int status = 0;
    kill(between, SIGKILL);
    assert_int_equal(waitpid(between, &status, 0), between);
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    fm_channel_destroy(&child.channel);
    close(report[0]);
    close(report[1]);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_forbidden_call_dies_by_sigsys_or_is_refused),
        cmocka_unit_test(an_unknown_name_is_no_proof),
        cmocka_unit_test(a_ready_child_is_sealed),
        cmocka_unit_test(an_idle_child_survives_being_stopped),
        cmocka_unit_test(a_message_out_of_turn_ends_it),
        cmocka_unit_test(a_child_dies_with_its_parent),
    };
    if (SANITIZED || !media_program()) {
        print_message("seal: skipped, there is no sealed program here\n");
        return 0;
    }
    return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
