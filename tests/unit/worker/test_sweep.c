/* Tests the files of an attempt, and the sweep of what lost attempts left behind. */
#include "tests/unit/worker/unit.h"

#include <sys/stat.h>
#include <time.h>

#include "worker/files.h"
#include "worker/sweep.h"

static char home[32];

static int set_up(void **state)
{
    (void)state;
    make_home(home);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    remove_home(home);
    return 0;
}

static bool is_there(const char *name)
{
    FM_AUTO_FREE char *path = fm_file_path(home, name);
    return access(path, F_OK) == 0;
}

static void make_file(const char *name)
{
    struct fm_error err = {0};
    FM_AUTO_FREE char *path = fm_file_path(home, name);
    FM_AUTO_FREE char *directory = fm_strdup(path);
    *strrchr(directory, '/') = '\0';
    assert_true(fm_file_make_dirs(directory, 0700, &err));
    assert_true(fm_file_write(path, 0600, fm_slice_of("x"), &err));
}

static void age(const char *name, int seconds)
{
    FM_AUTO_FREE char *path = fm_file_path(home, name);
    const struct timespec times[2] = {{time(NULL) - seconds, 0}, {time(NULL) - seconds, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool is_held(void *context, const char *job, const char *lease)
{
    const char *held = context;
    (void)job;
    return strcmp(lease, held) == 0;
}

static struct fm_spec spec_of(struct fm_spec_output *output)
{
    struct fm_spec spec;
    fm_pack_defaults(&fm_record_spec, &spec);
    fm_pack_defaults(&fm_record_spec_output, output);
    output->name = "video";
    spec.outputs = (struct fm_list){output, 1};
    return spec;
}

static void outputs_are_writable_until_they_are_sealed(void **state)
{
    struct fm_files files;
    struct fm_spec_output output;
    const struct fm_spec spec = spec_of(&output);
    struct fm_id job = fm_id_new();
    struct fm_error err = {0};
    (void)state;
    assert_true(fm_files_open(&files, home, &job, 7, &err));
    assert_true(fm_files_make_outputs(&files, &spec, &err));
    assert_int_equal(write(files.output_fds[0], "x", 1), 1);
    assert_true(fm_files_seal_outputs(&files, &err));
    assert_int_equal(write(files.output_fds[0], "x", 1), -1);
    /* Outputs made anew, for a later generation, are fresh files. */
    int64_t size_bytes = -1;
    assert_true(fm_files_make_outputs(&files, &spec, &err));
    assert_true(fm_file_size(files.output_fds[0], &size_bytes, &err));
    assert_int_equal(size_bytes, 0);
    fm_files_remove(&files);
    fm_files_remove(&files);
    FM_AUTO_FREE char *jobs = fm_file_path(home, "jobs");
    assert_int_equal(rmdir(jobs), 0);
}

static void a_source_is_taken_only_for_reading(void **state)
{
    struct fm_files files = {.directory_fd = -1, .source_fd = -1};
    struct fm_error err = {0};
    FM_AUTO_FREE char *path = fm_file_path(home, "source");
    (void)state;
    make_file("source");
    int writable = open(path, O_RDWR | O_CLOEXEC);
    int readable = open(path, O_RDONLY | O_CLOEXEC);
    int device = open("/dev/null", O_RDONLY | O_CLOEXEC);
    assert_false(fm_files_take_source(&files, &writable, &err));
    assert_false(fm_files_take_source(&files, &device, &err));
    assert_true(fm_files_take_source(&files, &readable, &err));
    assert_int_equal(readable, -1);
    fm_file_close(&files.source_fd);
    fm_file_close(&writable);
    fm_file_close(&device);
}

static void a_start_removes_outputs_and_keeps_parts(void **state)
{
    (void)state;
    make_file("jobs/job_a/0001/video.out");
    make_file("jobs/job_a/0001/source-1.part");
    fm_sweep_outputs(home);
    assert_false(is_there("jobs/job_a/0001/video.out"));
    assert_true(is_there("jobs/job_a/0001/source-1.part"));
}

static void an_old_directory_without_a_lease_is_swept(void **state)
{
    char held[] = "0002";
    (void)state;
    make_file("jobs/job_a/0001/source-1.part");
    make_file("jobs/job_a/0002/source-1.part");
    make_file("jobs/job_b/0003/source-1.part");
    make_file("jobs/job_c/0004/source-1.part");
    age("jobs/job_a/0001", 100);
    age("jobs/job_a/0002", 100);
    age("jobs/job_b/0003", 100);
    fm_sweep_old(home, 50, is_held, held);
    assert_false(is_there("jobs/job_a/0001"));
    assert_true(is_there("jobs/job_a/0002"));
    assert_false(is_there("jobs/job_b"));
    assert_true(is_there("jobs/job_c/0004"));
}

static void a_link_is_not_followed(void **state)
{
    FM_AUTO_FREE char *link = fm_file_path(home, "jobs/job_a/0001");
    FM_AUTO_FREE char *target = fm_file_path(home, "elsewhere");
    char nothing[] = "";
    (void)state;
    make_file("elsewhere/precious.out");
    make_file("jobs/job_a/placeholder/x");
    assert_int_equal(symlink(target, link), 0);
    fm_sweep_outputs(home);
    fm_sweep_old(home, 0, is_held, nothing);
    assert_true(is_there("elsewhere/precious.out"));
    assert_false(is_there("jobs/job_a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(outputs_are_writable_until_they_are_sealed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_source_is_taken_only_for_reading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_start_removes_outputs_and_keeps_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_old_directory_without_a_lease_is_swept, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_link_is_not_followed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
