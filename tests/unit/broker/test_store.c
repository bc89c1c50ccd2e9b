#include "tests/unit/common/unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "broker/secrets.h"
#include "broker/store.h"
#include "broker/watch.h"
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

static struct fm_grant_object granted(const char *bytes)
{
    struct fm_grant_object object = {.account = {{1}}, .job = {{2}}, .lease = 3, .name = "reel"};
    object.size_bytes = (int64_t)strlen(bytes);
    fm_hash_sha256(bytes, strlen(bytes), object.sha256);
    return object;
}

static bool put(struct fm_store *store, const struct fm_grant_object *object, const char *bytes,
                struct fm_error *err)
{
    struct fm_store_put *put = NULL;
    assert_true(fm_store_put_start(store, object, &put, err));
    if (fm_store_put_write(put, bytes, strlen(bytes), err))
        return fm_store_put_finish(&put, err);
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
    struct fm_grant_object object = granted("bytes");
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
    struct fm_grant_object object = granted("hello");
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
    struct fm_grant_object object = granted("hello");
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        struct fm_error err = {0};
        int fd;
        int64_t size;
        assert_false(put(world->store, &object, wrong[i], &err));
        assert_false(fm_store_open(world->store, &object, &fd, &size, &err));
    }
}

static bool count_attempt(void *context, const struct fm_grant_object *attempt)
{
    assert_int_equal(attempt->lease, 3);
    ++*(int *)context;
    return true;
}

static void the_walk_finds_old_attempts_and_they_can_be_removed(void **state)
{
    struct world *world = *state;
    struct fm_error err = {0};
    struct fm_grant_object object = granted("hello");
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
    struct fm_grant_object object = granted("hello");
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

static void secrets_are_made_once_and_private(void **state)
{
    struct world *world = *state;
    char directory[96], path[128];
    struct fm_secrets first = {0}, second = {0};
    struct fm_error err = {0};
    struct stat status;
    snprintf(directory, sizeof directory, "%s/secrets", world->directory);
    snprintf(path, sizeof path, "%s/key_pepper", directory);
    assert_true(fm_secrets_load(directory, &first, &err));
    assert_true(fm_secrets_load(directory, &second, &err));
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    chmod(path, 0644);
    assert_false(fm_secrets_load(directory, &second, &err));
    unlink(path); /* a lost file is never made anew beside the others */
    assert_false(fm_secrets_load(directory, &second, &err));
    assert_int_equal(err.code, FM_SETTING);
}

static void refuse_curve_key(const char *directory, const char *public_key, const char *secret_key)
{
    char path[128], text[96];
    struct fm_secrets secrets = {0};
    struct fm_error err = {0};
    snprintf(path, sizeof path, "%s/curve_key", directory);
    int length = snprintf(text, sizeof text, "%s %s\n", public_key, secret_key);
    struct fm_slice bytes = {text, (size_t)length};
    assert_true(fm_file_write(path, 0600, bytes, &err));
    assert_false(fm_secrets_load(directory, &secrets, &err));
    assert_int_equal(err.code, FM_SETTING);
    assert_string_equal(err.detail, "secret curve_key: malformed");
}

static void curve_keys_that_are_no_pair_are_refused(void **state)
{
    struct world *world = *state;
    char directory[96], damaged[41];
    struct fm_secrets secrets = {0};
    struct fm_error err = {0};
    snprintf(directory, sizeof directory, "%s/secrets", world->directory);
    assert_true(fm_secrets_load(directory, &secrets, &err));
    strcpy(damaged, secrets.curve_secret);
    damaged[7] = '~'; /* no digit of Z85 */
    refuse_curve_key(directory, secrets.curve_public, damaged);
    refuse_curve_key(directory, secrets.curve_public, "short");
    refuse_curve_key(directory, secrets.curve_secret, secrets.curve_public);
}

/* ---- watchers ---- */

static void count_change(struct fm_watch_entry *entry)
{
    ++*(int *)entry->context;
}

static void a_watcher_is_told_once(void **state)
{
    (void)state;
    struct fm_watch *watch = fm_watch_new();
    int told = 0;
    struct fm_watch_entry entry = {.job = {{1}}, .changed = count_change, .context = &told};
    struct fm_watch_entry other = {.job = {{2}}, .changed = count_change, .context = &told};
    struct fm_id jobs[4];
    fm_watch_add(watch, &entry);
    fm_watch_add(watch, &other);
    assert_int_equal(fm_watch_jobs(watch, jobs, 4), 2);
    assert_int_equal(fm_watch_jobs(watch, jobs, 1), 1);
    fm_watch_tell(watch, &entry.job);
    fm_watch_tell(watch, &entry.job);
    assert_int_equal(told, 1);
    assert_false(fm_watch_remove(watch, &entry));
    assert_true(fm_watch_remove(watch, &other));
    assert_int_equal(fm_watch_jobs(watch, jobs, 4), 0);
    fm_watch_destroy(&watch);
}

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
        cmocka_unit_test_setup_teardown(secrets_are_made_once_and_private, open_store, close_store),
        cmocka_unit_test_setup_teardown(curve_keys_that_are_no_pair_are_refused, open_store,
                                        close_store),
        cmocka_unit_test(a_watcher_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
