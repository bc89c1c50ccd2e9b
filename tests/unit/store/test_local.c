#include "tests/unit/common/unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "broker/store/store.h"
#include "common/file.h"
#include "common/memory.h"

struct world {
    char directory[64];
    struct fm_store *store;
};

static int open_store(void **state)
{
    struct world *world = fm_alloc(sizeof *world);
    struct fm_error err = {0};
    snprintf(world->directory, sizeof world->directory, "/tmp/fm-store-XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    assert_true(fm_store_new_local(world->directory, &world->store, &err));
    *state = world;
    return 0;
}

static int close_store(void **state)
{
    struct world *world = *state;
    struct fm_error err = {0};
    fm_store_destroy(&world->store);
    assert_true(fm_file_remove_tree(-100, world->directory, &err)); /* AT_FDCWD */
    fm_memory_release(&world);
    return 0;
}

static struct fm_store_object granted(const char *bytes)
{
    struct fm_store_object object = {.account = {{1}}, .job = {{2}}, .lease = 3, .name = "reel"};
    object.size_bytes = (int64_t)strlen(bytes);
    fm_hash_sha256(bytes, strlen(bytes), object.sha256);
    return object;
}

static bool put(struct fm_store *store, const struct fm_store_object *object, const char *bytes,
                struct fm_error *err)
{
    struct fm_store_put *put = NULL;
    assert_true(fm_store_put_start(store, object, &put, err));
    if (fm_store_put_write(put, bytes, strlen(bytes), err)) {
        return fm_store_put_finish(&put, err);
    }
    fm_store_put_abort(&put);
    return false;
}

static void no_name_leads_out_of_its_attempt(void **state)
{
    static const char *const names[] = {"../../../beside", "..", ".", "", "a/b", ".hidden", "A"};
    struct world *world = *state;
    char beside[96];
    snprintf(beside, sizeof beside, "%s/beside", world->directory);
    struct fm_error err = {0};
    struct fm_store_object object = granted("bytes");
    assert_true(put(world->store, &object, "bytes", &err));
    assert_true(fm_file_write(beside, 0600, fm_slice_of("not an output"), &err));
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        struct fm_store_put *under_way = NULL;
        int fd = -1;
        int64_t size_bytes = 0;
        snprintf(object.name, sizeof object.name, "%s", names[i]);
        assert_false(fm_store_put_start(world->store, &object, &under_way, &err));
        assert_false(fm_store_open(world->store, &object, &fd, &size_bytes, &err));
        assert_int_equal(err.code, FM_OUTPUT_EXPIRED);
        assert_true(fm_store_remove(world->store, &object, &err));
        assert_int_equal(access(beside, F_OK), 0);
    }
}

static void what_was_put_can_be_opened(void **state)
{
    struct world *world = *state;
    struct fm_error err = {0};
    struct fm_store_object object = granted("hello");
    int fd;
    int64_t size;
    assert_true(put(world->store, &object, "hello", &err));
    assert_true(put(world->store, &object, "hello", &err)); /* again: the same */
    assert_true(fm_store_open(world->store, &object, &fd, &size, &err));
    assert_int_equal(size, 5);
    fm_file_close(&fd);
    assert_true(fm_store_remove(world->store, &object, &err));
    assert_false(fm_store_open(world->store, &object, &fd, &size, &err));
    assert_int_equal(err.code, FM_OUTPUT_EXPIRED);
}

static void other_bytes_than_those_granted_leave_nothing(void **state)
{
    struct world *world = *state;
    static const char *const wrong[] = {"hellO", "hell", "hello!"};
    struct fm_store_object object = granted("hello");
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        struct fm_error err = {0};
        int fd;
        int64_t size;
        assert_false(put(world->store, &object, wrong[i], &err));
        assert_false(fm_store_open(world->store, &object, &fd, &size, &err));
    }
}

static bool count_attempt(void *context, const struct fm_store_object *attempt)
{
    assert_int_equal(attempt->lease, 3);
    ++*(int *)context;
    return true;
}

static void the_walk_finds_old_attempts_and_they_can_be_removed(void **state)
{
    struct world *world = *state;
    struct fm_error err = {0};
    struct fm_store_object object = granted("hello");
    int young = 0, old = 0, none = 0;
    assert_true(put(world->store, &object, "hello", &err));
    assert_true(fm_store_walk(world->store, 60, count_attempt, &young, &err));
    assert_true(fm_store_walk(world->store, -60, count_attempt, &old, &err));
    assert_int_equal(young, 0);
    assert_int_equal(old, 1);
    assert_true(fm_store_remove_attempt(world->store, &object, &err));
    assert_true(fm_store_walk(world->store, -60, count_attempt, &none, &err));
    assert_int_equal(none, 0);
}

static void what_is_left_of_a_put_goes_when_it_is_old(void **state)
{
    struct world *world = *state;
    struct fm_error err = {0};
    struct fm_store_object object = granted("hello");
    struct fm_store_put *put = NULL;
    int count = 0;
    assert_true(fm_store_put_start(world->store, &object, &put, &err));
    assert_true(fm_store_put_write(put, "hello", 5, &err));
    assert_true(fm_store_walk(world->store, 60, count_attempt, &count, &err));
    assert_true(fm_store_put_finish(&put, &err));
    assert_true(fm_store_put_start(world->store, &object, &put, &err));
    assert_true(fm_store_put_write(put, "hello", 5, &err));
    assert_true(fm_store_walk(world->store, -60, count_attempt, &count, &err));
    assert_false(fm_store_put_finish(&put, &err));
}

/* ---- secrets ---- */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_put_can_be_opened, open_store, close_store),
        cmocka_unit_test_setup_teardown(no_name_leads_out_of_its_attempt, open_store, close_store),
        cmocka_unit_test_setup_teardown(other_bytes_than_those_granted_leave_nothing, open_store,
                                        close_store),
        cmocka_unit_test_setup_teardown(the_walk_finds_old_attempts_and_they_can_be_removed,
                                        open_store, close_store),
        cmocka_unit_test_setup_teardown(what_is_left_of_a_put_goes_when_it_is_old, open_store,
                                        close_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
