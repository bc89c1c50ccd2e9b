/* Generations of the spool file: what a reader sees, and what an earlier attempt may have left. */
#include "tests/unit/common/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/memory.h"
#include "worker/transfer/spool.h"

static char home[32];

static int make_home(void **state)
{
    (void)state;
    strcpy(home, "/tmp/fm-test-spool-XXXXXX");
    return mkdtemp(home) == NULL ? -1 : 0;
}

static int remove_home(void **state)
{
    (void)state;
    return fm_file_remove_tree(AT_FDCWD, home, NULL) ? 0 : -1;
}

static void assert_holds(int fd, const char *text)
{
    char bytes[64] = "";
    ssize_t got = pread(fd, bytes, sizeof(bytes) - 1, 0);
    assert_int_equal(got, strlen(text));
    assert_string_equal(bytes, text);
}

static void a_reader_gets_the_bytes_and_cannot_write(void **state)
{
    (void)state;
    FM_AUTO(fm_spool_done) struct fm_spool spool;
    FM_AUTO(fm_file_close) int fd = -1;
    assert_true(fm_spool_open(&spool, home, NULL));
    assert_true(fm_spool_begin(&spool, NULL));
    assert_true(fm_spool_append(&spool, "first", 5, NULL));
    assert_true(fm_spool_share(&spool, &fd, NULL));
    assert_holds(fd, "first");
    assert_int_equal(spool.generation, 1);
    assert_int_equal(spool.size_bytes, 5);
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    /* The file may grow while a reader has it. */
    assert_true(fm_spool_append(&spool, " more", 5, NULL));
    assert_holds(fd, "first more");
}

static void a_file_no_reader_has_is_emptied_and_used_again(void **state)
{
    (void)state;
    FM_AUTO(fm_spool_done) struct fm_spool spool;
    FM_AUTO(fm_file_close) int fd = -1;
    assert_true(fm_spool_open(&spool, home, NULL));
    assert_true(fm_spool_begin(&spool, NULL));
    assert_true(fm_spool_append(&spool, "cut off", 7, NULL));
    assert_true(fm_spool_begin(&spool, NULL));
    assert_int_equal(spool.generation, 1);
    assert_int_equal(spool.size_bytes, 0);
    assert_true(fm_spool_append(&spool, "all", 3, NULL));
    assert_true(fm_spool_share(&spool, &fd, NULL));
    assert_holds(fd, "all");
}

static void a_generation_that_a_reader_has_is_never_changed(void **state)
{
    (void)state;
    FM_AUTO(fm_spool_done) struct fm_spool spool;
    FM_AUTO(fm_file_close) int first = -1;
    FM_AUTO(fm_file_close) int second = -1;
    assert_true(fm_spool_open(&spool, home, NULL));
    assert_true(fm_spool_begin(&spool, NULL));
    assert_true(fm_spool_append(&spool, "old", 3, NULL));
    assert_true(fm_spool_share(&spool, &first, NULL));
    assert_true(fm_spool_begin(&spool, NULL));
    assert_int_equal(spool.generation, 2);
    assert_true(fm_spool_append(&spool, "new", 3, NULL));
    assert_true(fm_spool_share(&spool, &second, NULL));
    assert_holds(first, "old");
    assert_holds(second, "new");
}

static void a_file_left_by_an_earlier_attempt_is_replaced_not_written_to(void **state)
{
    (void)state;
    FM_AUTO(fm_spool_done) struct fm_spool spool;
    FM_AUTO(fm_spool_done) struct fm_spool again;
    FM_AUTO(fm_file_close) int fd = -1;
    assert_true(fm_spool_open(&spool, home, NULL));
    assert_true(fm_spool_begin(&spool, NULL));
    assert_true(fm_spool_append(&spool, "left", 4, NULL));
    assert_true(fm_spool_share(&spool, &fd, NULL));
    assert_true(fm_spool_open(&again, home, NULL));
    assert_true(fm_spool_begin(&again, NULL));
    assert_holds(fd, "left");
    assert_int_equal(again.size_bytes, 0);
}

static void a_symbolic_link_in_place_of_the_file_is_not_followed(void **state)
{
    (void)state;
    FM_AUTO(fm_spool_done) struct fm_spool spool;
    char target[64];
    char name[64];
    struct stat status;
    snprintf(target, sizeof(target), "%s/elsewhere", home);
    snprintf(name, sizeof(name), "%s/source-1.part", home);
    assert_int_equal(symlink(target, name), 0);
    assert_true(fm_spool_open(&spool, home, NULL));
    assert_true(fm_spool_begin(&spool, NULL));
    assert_int_equal(lstat(target, &status), -1);
    assert_int_equal(lstat(name, &status), 0);
    assert_true(S_ISREG(status.st_mode));
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_missing_directory_is_an_error(void **state)
{
    (void)state;
    struct fm_spool spool;
    struct fm_error err;
    assert_false(fm_spool_open(&spool, "/tmp/fm-test-spool-none/there", &err));
    assert_int_equal(err.code, FM_SYSTEM);
    fm_spool_done(&spool);
}

#define IN_HOME(test) cmocka_unit_test_setup_teardown(test, make_home, remove_home)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOME(a_reader_gets_the_bytes_and_cannot_write),
        IN_HOME(a_file_no_reader_has_is_emptied_and_used_again),
        IN_HOME(a_generation_that_a_reader_has_is_never_changed),
        IN_HOME(a_file_left_by_an_earlier_attempt_is_replaced_not_written_to),
        IN_HOME(a_symbolic_link_in_place_of_the_file_is_not_followed),
        IN_HOME(a_missing_directory_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
