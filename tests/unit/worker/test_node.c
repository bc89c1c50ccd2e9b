/* Tests the node's key, boot counter and lock. */
#include "tests/unit/worker/unit.h"

#include <sys/stat.h>

#include "worker/node.h"

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

static void a_key_is_made_once_and_for_its_owner_alone(void **state)
{
    struct fm_link_key first;
    struct fm_link_key second;
    struct fm_error err = {0};
    struct stat status;
    FM_AUTO_FREE char *path = fm_file_path(home, "node.key");
    (void)state;
    assert_true(fm_node_key(home, &first, &err));
    assert_true(fm_node_key(home, &second, &err));
    assert_memory_equal(&first, &second, sizeof(first));
    assert_int_equal(strlen(first.public), 40);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
}

static void each_start_raises_the_boot_counter(void **state)
{
    struct fm_node node;
    struct fm_error err = {0};
    (void)state;
    for (uint64_t boot = 1; boot <= 3; boot++) {
        assert_true(fm_node_open(home, &node, &err));
        assert_int_equal(node.boot, boot);
        fm_node_close(&node);
    }
}

static void a_second_process_on_the_directory_is_refused(void **state)
{
    struct fm_node first;
    struct fm_node second;
    struct fm_link_key key;
    struct fm_error err = {0};
    (void)state;
    assert_true(fm_node_open(home, &first, &err));
    assert_false(fm_node_open(home, &second, &err));
    assert_non_null(strstr(err.detail, "another worker"));
    /* A second process may still read the key. */
    assert_true(fm_node_key(home, &key, &err));
    fm_node_close(&first);
    assert_true(fm_node_open(home, &second, &err));
    assert_int_equal(second.boot, 2);
    fm_node_close(&second);
}

static void a_broken_counter_does_not_start(void **state)
{
    struct fm_node node;
    struct fm_error err = {0};
    FM_AUTO_FREE char *path = fm_file_path(home, "boot");
    (void)state;
    assert_true(fm_file_write(path, 0600, fm_slice_of("lots\n"), &err));
    assert_false(fm_node_open(home, &node, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_is_made_once_and_for_its_owner_alone, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(each_start_raises_the_boot_counter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_process_on_the_directory_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_broken_counter_does_not_start, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
