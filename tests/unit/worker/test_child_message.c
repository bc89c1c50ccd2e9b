/* Tests how transfer's messages change an attempt: generations, sizes, names. */
#include "tests/unit/worker/unit.h"

#include "worker/child_message.h"

struct scene {
    char home[32];
    struct fm_loop *loop;
    struct fm_job_attempt attempt;
};

static void on_message(void *context, struct fm_child *child, const struct fm_message *message,
                       int *fds)
{
    (void)context;
    (void)child;
    (void)message;
    (void)fds;
}

static void on_gone(void *context, struct fm_child *child, enum fm_child_fate fate)
{
    (void)context;
    (void)child;
    (void)fate;
}

static struct fm_child *start_child(struct scene *scene, enum fm_child_role role)
{
    struct fm_error err = {0};
    const struct fm_child_owner owner = {scene, on_message, on_gone};
    struct fm_child *child = fm_child_new(scene->loop, "/usr/bin/yes", role, &owner, &err);
    assert_non_null(child);
    child->state = FM_CHILD_BUSY;
    return child;
}

static void open_scene(struct scene *scene)
{
    struct fm_error err = {0};
    *scene = (struct scene){0};
    make_home(scene->home);
    scene->loop = fm_loop_new(&err);
    scene->attempt.phase = FM_JOB_RUNNING;
    scene->attempt.files = (struct fm_files){.directory_fd = -1, .source_fd = -1};
    fm_pack_defaults(&fm_record_source_facts, &scene->attempt.source);
    scene->attempt.transfer = start_child(scene, FM_CHILD_TRANSFER);
}

static void close_scene(struct scene *scene)
{
    fm_child_destroy(&scene->attempt.transfer);
    fm_child_destroy(&scene->attempt.media);
    fm_file_close(&scene->attempt.files.source_fd);
    fm_arena_done(&scene->attempt.arena);
    fm_loop_destroy(&scene->loop);
    remove_home(scene->home);
}

static void send_source(struct scene *scene, uint64_t generation, const char *bytes)
{
    struct fm_message message;
    struct fm_error err = {0};
    FM_AUTO_FREE char *path = fm_file_path(scene->home, "source");
    assert_true(fm_file_write(path, 0600, fm_slice_of(bytes), &err));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    fm_message_init(&message, FM_MESSAGE_SOURCE);
    message.source.generation = generation;
    fm_child_message_handle(&scene->attempt, scene->attempt.transfer, &message, &fd);
    fm_message_done(&message);
    fm_file_close(&fd);
}

static void send_complete(struct scene *scene, uint64_t generation, uint64_t size_bytes)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_COMPLETE);
    message.complete.generation = generation;
    message.complete.size_bytes = size_bytes;
    fm_child_message_handle(&scene->attempt, scene->attempt.transfer, &message, NULL);
    fm_message_done(&message);
}

static bool is_broken(const struct scene *scene)
{
    return scene->attempt.transfer->past.is_broken;
}

static void a_source_is_complete_when_its_size_is_told_right(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene);
    send_source(&scene, 1, "four");
    assert_true(scene.attempt.files.source_fd >= 0);
    send_complete(&scene, 1, 4);
    assert_true(scene.attempt.is_complete);
    assert_false(is_broken(&scene));
    /* COMPLETE may come only once in a generation. */
    send_complete(&scene, 1, 4);
    assert_true(is_broken(&scene));
    close_scene(&scene);
}

static void another_size_than_the_files_is_a_crash(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene);
    send_source(&scene, 1, "four");
    send_complete(&scene, 1, 5);
    assert_false(scene.attempt.is_complete);
    assert_true(is_broken(&scene));
    close_scene(&scene);
}

static void a_new_generation_voids_what_was_made(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene);
    send_source(&scene, 1, "four");
    send_complete(&scene, 1, 4);
    scene.attempt.media = start_child(&scene, FM_CHILD_VERIFY);
    scene.attempt.is_worked = true;
    send_source(&scene, 2, "five!");
    assert_true(scene.attempt.is_media_void);
    assert_true(scene.attempt.media->past.is_killed);
    assert_false(scene.attempt.is_worked);
    assert_false(scene.attempt.is_complete);
    /* A late COMPLETE of the old generation is dropped. */
    send_complete(&scene, 1, 4);
    assert_false(is_broken(&scene));
    assert_false(scene.attempt.is_complete);
    send_complete(&scene, 2, 5);
    assert_true(scene.attempt.is_complete);
    close_scene(&scene);
}

static void a_generation_never_comes_back(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene);
    send_source(&scene, 2, "four");
    send_source(&scene, 1, "four");
    assert_true(is_broken(&scene));
    assert_int_equal(scene.attempt.generation, 2);
    close_scene(&scene);
}

static void a_complete_without_a_source_is_a_crash(void **state)
{
    struct scene scene;
    (void)state;
    open_scene(&scene);
    send_complete(&scene, 1, 0);
    assert_true(is_broken(&scene));
    close_scene(&scene);
}

static void urls_are_asked_for_outputs_alone(void **state)
{
    struct scene scene;
    struct fm_message message;
    struct fm_file_facts file;
    (void)state;
    open_scene(&scene);
    fm_pack_defaults(&fm_record_file_facts, &file);
    file.name = "stranger";
    fm_message_init(&message, FM_MESSAGE_WANT_UPLOAD);
    message.want_upload.files = (struct fm_list){&file, 1};
    fm_child_message_handle(&scene.attempt, scene.attempt.transfer, &message, NULL);
    fm_message_done(&message);
    assert_true(is_broken(&scene));
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_is_complete_when_its_size_is_told_right),
        cmocka_unit_test(another_size_than_the_files_is_a_crash),
        cmocka_unit_test(a_new_generation_voids_what_was_made),
        cmocka_unit_test(a_generation_never_comes_back),
        cmocka_unit_test(a_complete_without_a_source_is_a_crash),
        cmocka_unit_test(urls_are_asked_for_outputs_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
