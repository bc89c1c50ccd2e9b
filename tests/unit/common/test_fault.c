/* Crash points: what FM_FAULT names happens in a build with faults, and nothing in any other. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fault.h"
#include "tests/unit/common/unit.h"

/* The status of a child of ours that reads those rules at its start and comes by three times. */
static int status_under(const char *rules)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        setenv("FM_FAULT", rules, 1);
        execl("/proc/self/exe", "test_fault", "pass", NULL);
        _exit(99);
    }
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    if (WIFSTOPPED(status)) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
    return status;
}

#ifdef FM_FAULTS
static void a_rule_acts_at_its_time(void **state)
{
    (void)state;
    assert_int_equal(WTERMSIG(status_under("here:kill")), SIGKILL);
    assert_int_equal(WEXITSTATUS(status_under("there:kill,here:exit:3")), 1);
    assert_true(WIFSTOPPED(status_under("here:stop:2")));
}
#endif

static void without_a_rule_nothing_happens(void **state)
{
    (void)state;
    assert_int_equal(status_under(""), 0);
    assert_int_equal(status_under("there:kill,here:exit:4"), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
#ifdef FM_FAULTS
        cmocka_unit_test(a_rule_acts_at_its_time),
#endif
        cmocka_unit_test(without_a_rule_nothing_happens),
    };
    (void)argv;
    for (int i = 0; argc > 1 && i < 3; i++) {
        fm_fault("here");
    }
    return argc > 1 ? EXIT_SUCCESS : cmocka_run_group_tests(tests, NULL, NULL);
}
