#include "tests/unit/common/unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/log.h"

static char line[8192];

/* Runs between these two have stderr in a pipe; what was written stands in `line`. */
static int kept_stderr;
static int pipe_ends[2];

static void catch_stderr(void)
{
    kept_stderr = dup(STDERR_FILENO);
    assert_int_equal(pipe2(pipe_ends, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(dup2(pipe_ends[1], STDERR_FILENO), STDERR_FILENO);
}

static void release_stderr(void)
{
    dup2(kept_stderr, STDERR_FILENO);
    close(kept_stderr);
    ssize_t got = read(pipe_ends[0], line, sizeof(line) - 1);
    line[got < 0 ? 0 : got] = '\0';
    close(pipe_ends[0]);
    close(pipe_ends[1]);
}

static void an_event_is_one_line(void **state)
{
    (void)state;
    fm_log_open("broker", FM_LOG_INFO);
    catch_stderr();
    fm_log(FM_LOG_INFO, "job_claimed", "job=%s node=%s", "job_1", "berlin");
    release_stderr();
    assert_string_equal(line + 24, " info broker job_claimed job=job_1 node=berlin\n");
    assert_int_equal(line[23], 'Z');
    catch_stderr();
    fm_log(FM_LOG_WARNING, "bare", NULL);
    release_stderr();
    assert_string_equal(line + 24, " warning broker bare\n");
}

static void a_level_below_the_least_is_not_written(void **state)
{
    (void)state;
    fm_log_open("broker", FM_LOG_WARNING);
    catch_stderr();
    fm_log(FM_LOG_INFO, "quiet", NULL);
    release_stderr();
    assert_string_equal(line, "");
}

static void a_value_cannot_start_a_line_of_its_own(void **state)
{
    (void)state;
    fm_log_open("broker", FM_LOG_INFO);
    catch_stderr();
    fm_log(FM_LOG_INFO, "event", "name=%s", "a\nb\x1b[2J");
    release_stderr();
    assert_string_equal(line + 24, " info broker event name=a?b?[2J\n");
}

static void a_long_line_ends_at_its_limit(void **state)
{
    (void)state;
    catch_stderr();
    fm_log(FM_LOG_INFO, "event", "%05000d", 1);
    release_stderr();
    assert_int_equal(strlen(line), 2048);
    assert_int_equal(line[2047], '\n');
}

static void a_failure_names_its_code_and_detail(void **state)
{
    (void)state;
    struct fm_error err = {0};
    fm_fail(&err, FM_SOURCE_TIMEOUT, "the \"source\" slept");
    catch_stderr();
    fm_log_failure("fetch_failed", &err);
    release_stderr();
    assert_string_equal(
        line + 24,
        " error broker fetch_failed error=source_timeout detail=\"the 'source' slept\"\n");
}

static void levels_are_found_by_name(void **state)
{
    (void)state;
    enum fm_log_level level = FM_LOG_INFO;
    assert_true(fm_log_level_by_name("debug", &level));
    assert_int_equal(level, FM_LOG_DEBUG);
    assert_false(fm_log_level_by_name("loud", &level));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line),
        cmocka_unit_test(a_level_below_the_least_is_not_written),
        cmocka_unit_test(a_value_cannot_start_a_line_of_its_own),
        cmocka_unit_test(a_long_line_ends_at_its_limit),
        cmocka_unit_test(a_failure_names_its_code_and_detail),
        cmocka_unit_test(levels_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
