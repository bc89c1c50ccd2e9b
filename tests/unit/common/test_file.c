#include "tests/unit/common/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/hash.h"
#include "common/memory.h"

static char home[] = "/tmp/fm-test-file-XXXXXX";

static int enter_home(void **state)
{
    (void)state;
    return mkdtemp(home) == NULL || chdir(home) != 0 ? -1 : 0;
}

static int leave_home(void **state)
{
    (void)state;
    return fm_file_remove_tree(AT_FDCWD, home, NULL) ? 0 : -1;
}

static void a_written_file_reads_back_with_its_mode(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    struct stat status;
    assert_true(fm_file_write("note", 0640, fm_slice_of("one"), NULL));
    assert_true(fm_file_write("note", 0600, fm_slice_of("second"), NULL));
    assert_true(fm_file_read("note", 6, &text, NULL));
    assert_string_equal(text.data, "second");
    assert_int_equal(stat("note", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void a_file_over_the_limit_is_not_read(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    struct fm_error err = {0};
    assert_true(fm_file_write("large", 0600, fm_slice_of("1234567"), NULL));
    assert_false(fm_file_read("large", 6, &text, &err));
    assert_int_equal(err.code, FM_SYSTEM);
    assert_false(fm_file_read("missing", 6, &text, &err));
    assert_false(fm_file_read(".", 6, &text, &err));
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_false(fm_file_read("fifo", 6, &text, &err));
}

static void a_failed_write_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_true(fm_file_make_dirs("taken/below", 0700, NULL));
    assert_false(fm_file_write("taken/below/.", 0600, fm_slice_of("x"), NULL));
    assert_int_equal(mkdir("taken/name", 0700), 0);
    assert_false(fm_file_write("taken/name", 0600, fm_slice_of("x"), NULL));
    assert_int_equal(rmdir("taken/name"), 0);
    assert_int_equal(rmdir("taken/below"), 0);
    assert_int_equal(rmdir("taken"), 0);
}

static void directories_are_made_on_the_way(void **state)
{
    (void)state;
    struct fm_error err = {0};
    struct stat status;
    assert_true(fm_file_make_dirs("a/b//c/", 0700, NULL));
    assert_true(fm_file_make_dirs("a/b/c", 0755, NULL));
    assert_int_equal(stat("a/b/c", &status), 0);
    assert_int_equal(status.st_mode & 0777, 0700);
    assert_true(fm_file_write("a/file", 0600, fm_slice_of(""), NULL));
    assert_false(fm_file_make_dirs("a/file/c", 0700, &err));
    assert_false(fm_file_make_dirs("a/file", 0700, &err));
}

static void a_tree_is_removed_without_following_links(void **state)
{
    (void)state;
    assert_true(fm_file_make_dirs("tree/deep/er", 0700, NULL));
    assert_true(fm_file_make_dirs("outside", 0700, NULL));
    assert_true(fm_file_write("outside/kept", 0600, fm_slice_of("x"), NULL));
    assert_true(fm_file_write("tree/deep/file", 0600, fm_slice_of("x"), NULL));
    assert_int_equal(symlink("../outside", "tree/link"), 0);
    assert_true(fm_file_remove_tree(AT_FDCWD, "tree", NULL));
    assert_int_equal(access("tree", F_OK), -1);
    assert_int_equal(access("outside/kept", F_OK), 0);
    assert_true(fm_file_remove_tree(AT_FDCWD, "tree", NULL));
}

static void reading_at_an_offset_wants_all_of_it(void **state)
{
    (void)state;
    struct fm_error err = {0};
    char bytes[4] = "";
    int64_t size = 0;
    assert_true(fm_file_write("digits", 0600, fm_slice_of("0123456789"), NULL));
    FM_AUTO(fm_file_close) int fd = open("digits", O_RDONLY | O_CLOEXEC);
    assert_true(fm_file_pread_all(fd, bytes, 4, 6, NULL));
    assert_memory_equal(bytes, "6789", 4);
    assert_false(fm_file_pread_all(fd, bytes, 4, 7, &err));
    assert_true(fm_file_size(fd, &size, NULL));
    assert_int_equal(size, 10);
}

static void a_files_digest_leaves_its_offset(void **state)
{
    (void)state;
    uint8_t expected[32];
    uint8_t digest[32];
    int64_t size = 0;
    assert_true(fm_file_write("abc", 0600, fm_slice_of("abc"), NULL));
    FM_AUTO(fm_file_close) int fd = open("abc", O_RDONLY | O_CLOEXEC);
    assert_int_equal(lseek(fd, 1, SEEK_SET), 1);
    assert_true(fm_file_sha256(fd, digest, &size, NULL));
    fm_hash_sha256("abc", 3, expected);
    assert_memory_equal(digest, expected, 32);
    assert_int_equal(size, 3);
    assert_int_equal(lseek(fd, 0, SEEK_CUR), 1);
}

static void a_reopened_descriptor_cannot_write(void **state)
{
    (void)state;
    char byte = 0;
    FM_AUTO(fm_file_close) int fd = open("both", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    FM_AUTO(fm_file_close) int readable = -1;
    assert_true(fm_file_write_all(fd, "z", 1, NULL));
    assert_true(fm_file_reopen_readonly(fd, &readable, NULL));
    assert_int_equal(read(readable, &byte, 1), 1);
    assert_int_equal(byte, 'z');
    assert_int_equal(write(readable, "y", 1), -1);
    assert_int_equal(fcntl(readable, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_written_file_reads_back_with_its_mode),
        cmocka_unit_test(a_file_over_the_limit_is_not_read),
        cmocka_unit_test(a_failed_write_leaves_nothing_behind),
        cmocka_unit_test(directories_are_made_on_the_way),
        cmocka_unit_test(a_tree_is_removed_without_following_links),
        cmocka_unit_test(reading_at_an_offset_wants_all_of_it),
        cmocka_unit_test(a_files_digest_leaves_its_offset),
        cmocka_unit_test(a_reopened_descriptor_cannot_write),
    };
    return cmocka_run_group_tests(tests, enter_home, leave_home);
}
