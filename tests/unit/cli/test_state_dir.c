/* The file `ports` of a state directory: what `up` keeps in it, and what it refuses. */
/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cli/state_dir.h"
#include "common/file.h"
#include "common/memory.h"

/* A state directory of its own, whose `ports` holds `text`; NULL: it has none. */
static void open_state_dir(struct fm_state_dir *state_dir, const char *text)
{
    char path[] = "/tmp/test_state_dir_XXXXXX";
    assert_non_null(mkdtemp(path));
    *state_dir = (struct fm_state_dir){.path = fm_strdup(path)};
    FM_AUTO_FREE char *ports = fm_state_dir_path(state_dir, "ports");
    assert_true(text == NULL || fm_file_write(ports, 0644, fm_slice_of(text), NULL));
}

static void remove_state_dir(struct fm_state_dir *state_dir)
{
    assert_true(fm_file_remove_tree(AT_FDCWD, state_dir->path, NULL));
    fm_state_dir_done(state_dir);
}

static void chosen_ports_are_kept(void **state)
{
    (void)state;
    struct fm_state_dir state_dir;
    struct fm_state_dir_ports chosen, kept;
    open_state_dir(&state_dir, NULL);
    assert_true(fm_state_dir_ports(&state_dir, NULL, &chosen, NULL));
    assert_true(fm_state_dir_ports(&state_dir, NULL, &kept, NULL));
    assert_string_equal(kept.listen, chosen.listen);
    assert_string_equal(kept.link, chosen.link);
    assert_string_equal(kept.metrics, chosen.metrics);
    fm_state_dir_ports_done(&chosen);
    fm_state_dir_ports_done(&kept);
    remove_state_dir(&state_dir);
}

static void an_address_without_a_port_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"bad 127.0.0.1:8081\n", "127.0.0.1:8080 bad\n",
                                        "127.0.0.1:8080 127.0.0.1:8081 bad\n"};
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        struct fm_state_dir state_dir;
        struct fm_state_dir_ports ports;
        struct fm_error err = {0};
        open_state_dir(&state_dir, wrong[i]);
        assert_false(fm_state_dir_ports(&state_dir, NULL, &ports, &err));
        assert_int_equal(err.code, FM_SETTING);
        assert_non_null(strstr(err.detail, "/ports: \"bad\" is not HOST:PORT"));
        fm_state_dir_ports_done(&ports);
        remove_state_dir(&state_dir);
    }
}

static void a_given_address_replaces_a_wrong_one(void **state)
{
    (void)state;
    struct fm_state_dir state_dir;
    struct fm_state_dir_ports ports;
    open_state_dir(&state_dir, "bad 127.0.0.1:8081 127.0.0.1:8082\n");
    assert_true(fm_state_dir_ports(&state_dir, "127.0.0.1:9000", &ports, NULL));
    assert_string_equal(ports.listen, "127.0.0.1:9000");
    assert_string_equal(ports.link, "127.0.0.1:8081");
    fm_state_dir_ports_done(&ports);
    remove_state_dir(&state_dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_ports_are_kept),
        cmocka_unit_test(an_address_without_a_port_is_refused),
        cmocka_unit_test(a_given_address_replaces_a_wrong_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
