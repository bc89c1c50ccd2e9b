/* Tests whole attempts: the test plays the broker of a real worker with its real children. */
#include "tests/unit/worker/stage.h"

static void stop_and_expect_no_work_left(void)
{
    FM_AUTO_FREE char *jobs = fm_file_path(home, "jobs");
    kill(worker, SIGTERM);
    assert_int_equal(await_exit(), 0);
    assert_int_equal(rmdir(jobs), 0);
}

static void a_file_that_is_no_media_is_copied_as_bytes(void **state)
{
    struct fm_message message;
    uint8_t digest[32];
    (void)state;
    need_programs();
    welcome();
    send_job("/text.bin", NULL, 11, 60000);
    give_place("source", 11);
    expect_result(FM_HOW_SUCCEEDED, FM_NONE, &message);
    const struct fm_file_facts *outputs = message.result.outputs.items;
    fm_hash_sha256("just text", 9, digest);
    assert_int_equal(message.result.outputs.count, 1);
    assert_string_equal(outputs[0].content_type, "application/octet-stream");
    assert_string_equal(outputs[0].extension, "bin");
    assert_int_equal(outputs[0].size_bytes, 9);
    assert_memory_equal(outputs[0].sha256.data, digest, 32);
    assert_memory_equal(message.result.account.data, account.bytes, 16);
    fm_message_done(&message);
    acknowledge_result(11);
    await_held(0);
    assert_true(atomic_load(&server.read) > 0);
    assert_int_equal(server.request.body_length, 9);
    stop_and_expect_no_work_left();
}

static void sound_becomes_an_mp3_and_is_verified(void **state)
{
    struct fm_spec_output output;
    struct fm_message message;
    (void)state;
    need_programs();
    fm_pack_defaults(&fm_record_spec_output, &output);
    output.name = "sound";
    output.format = FM_FORMAT_MP3;
    welcome();
    send_job("/tone.wav", &output, 12, 60000);
    give_place("sound", 12);
    expect_result(FM_HOW_SUCCEEDED, FM_NONE, &message);
    const struct fm_file_facts *outputs = message.result.outputs.items;
    assert_int_equal(message.result.outputs.count, 1);
    assert_string_equal(outputs[0].extension, "mp3");
    assert_string_equal(outputs[0].content_type, "audio/mpeg");
    assert_true(outputs[0].duration_seconds > 0.8 && outputs[0].duration_seconds < 1.3);
    assert_non_null(outputs[0].audio);
    assert_string_equal(message.result.source->container, "wav");
    fm_message_done(&message);
    acknowledge_result(12);
    await_held(0);
    stop_and_expect_no_work_left();
}

static void a_result_is_told_until_it_is_acknowledged(void **state)
{
    struct fm_message message;
    (void)state;
    need_programs();
    welcome();
    send_job("/missing.bin", NULL, 13, 60000);
    for (int i = 0; i < 3; i++) {
        expect_result(FM_HOW_FAILED, FM_SOURCE_NOT_FOUND, &message);
        fm_message_done(&message);
    }
    await_held(1);
    /* A broker that does not know the worker any more gets the RESULT again, after a new HELLO. */
    fm_message_init(&message, FM_MESSAGE_REFUSE);
    broker_say(&broker, &message);
    welcome();
    expect_result(FM_HOW_FAILED, FM_SOURCE_NOT_FOUND, &message);
    fm_message_done(&message);
    acknowledge_result(13);
    await_held(0);
    stop_and_expect_no_work_left();
}

static void a_cancel_ends_the_children_and_frees_the_slot(void **state)
{
    struct fm_message message;
    (void)state;
    need_programs();
    welcome();
    send_job("/slow.bin", NULL, 14, 60000);
    await_progress();
    /* The next JOB follows at once: the worker keeps it in hand until the slot is free. */
    send_cancel(14);
    send_job("/missing.bin", NULL, 15, 60000);
    http_open_gate(&server);
    expect_result(FM_HOW_FAILED, FM_SOURCE_NOT_FOUND, &message);
    assert_int_equal(message.result.lease, 15);
    fm_message_done(&message);
    acknowledge_result(15);
    await_held(0);
    stop_and_expect_no_work_left();
}

static void a_job_without_a_slot_is_rejected(void **state)
{
    struct fm_message message;
    (void)state;
    need_programs();
    welcome();
    send_job("/slow.bin", NULL, 16, 60000);
    send_job("/slow.bin", NULL, 17, 60000);
    receive_message(FM_MESSAGE_REJECT, &message);
    assert_int_equal(message.reject.lease, 17);
    fm_message_done(&message);
    await_held(1);
    http_open_gate(&server);
    http_open_gate(&server);
    send_cancel(16);
    await_held(0);
    stop_and_expect_no_work_left();
}

static void the_deadline_ends_an_attempt(void **state)
{
    struct fm_message message;
    (void)state;
    need_programs();
    welcome();
    send_job("/slow.bin", NULL, 18, 700);
    expect_result(FM_HOW_FAILED, FM_DEADLINE_EXCEEDED, &message);
    fm_message_done(&message);
    http_open_gate(&server);
    acknowledge_result(18);
    await_held(0);
    stop_and_expect_no_work_left();
}

/* The pid of the worker's first child that runs the program `name`; 0: none. */
static pid_t find_child(const char *name)
{
    char path[64];
    char line[512] = "";
    pid_t found = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)worker, (int)worker);
    FILE *children = fopen(path, "re");
    if (children == NULL || fgets(line, sizeof(line), children) == NULL) {
        line[0] = '\0';
    }
    if (children != NULL) {
        fclose(children);
    }
    char *rest = line;
    char *pid = NULL;
    while (found == 0 && (pid = strsep(&rest, " ")) != NULL) {
        char comm[64] = "";
        snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
        FILE *file = fopen(path, "re");
        if (file != NULL && fgets(comm, sizeof(comm), file) != NULL &&
            strncmp(comm, name, 15) == 0) {
            found = (pid_t)strtol(pid, NULL, 10);
        }
        if (file != NULL) {
            fclose(file);
        }
    }
    return found;
}

static void a_child_killed_by_another_is_lost(void **state)
{
    struct fm_message message;
    (void)state;
    need_programs();
    welcome();
    send_job("/slow.bin", NULL, 19, 60000);
    await_progress();
    pid_t transfer = find_child("fetchmedia-transfer");
    assert_true(transfer > 0);
    assert_int_equal(kill(transfer, SIGKILL), 0);
    expect_result(FM_HOW_LOST, FM_WORKER_LOST, &message);
    fm_message_done(&message);
    http_open_gate(&server);
    acknowledge_result(19);
    await_held(0);
    stop_and_expect_no_work_left();
}

static void the_end_of_a_worker_is_told_and_takes_its_children(void **state)
{
    struct fm_message message;
    (void)state;
    need_programs();
    welcome();
    send_job("/slow.bin", NULL, 20, 60000);
    await_progress();
    kill(worker, SIGTERM);
    receive_message(FM_MESSAGE_BYE, &message);
    assert_int_equal(message.bye.leases, 1);
    fm_message_done(&message);
    assert_int_equal(await_exit(), 0);
    http_open_gate(&server);
}

static void a_superseded_worker_ends(void **state)
{
    struct fm_message message;
    (void)state;
    need_programs();
    receive_message(FM_MESSAGE_HELLO, &message);
    fm_message_done(&message);
    fm_message_init(&message, FM_MESSAGE_REFUSE);
    message.refuse.reason = FM_REFUSAL_SUPERSEDED;
    broker_say(&broker, &message);
    assert_int_equal(await_exit(), 5);
}

/* In place of media any program will do that ignores --try and exits with an error. */
static int exit_code_with_a_leaking_seal(void)
{
    FM_AUTO_FREE char *path = worker_path();
    FM_AUTO_FREE char *work_dir = fm_file_path(home, "other");
    FM_AUTO_FREE char *work_option = option("work-dir", work_dir);
    FM_AUTO_FREE char *bin = option("bin-dir", home);
    FM_AUTO_FREE char *key = option("broker-public-key", broker.public);
    FM_AUTO_FREE char *media = fm_file_path(home, "fetchmedia-media");
    char *const arguments[] = {path, work_option, bin, key, NULL};
    struct fm_error err = {0};
    int status = 0;
    assert_true(fm_file_write(media, 0700, fm_slice_of("#!/bin/sh\nexit 1\n"), &err));
    pid_t pid = fork();
    if (pid == 0) {
        execv(path, arguments);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_worker_whose_seal_leaks_does_not_register(void **state)
{
    (void)state;
    need_programs();
#ifdef FM_SANITIZED
    skip();
#endif
    assert_int_equal(exit_code_with_a_leaking_seal(), 3);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        STORY(a_file_that_is_no_media_is_copied_as_bytes),
        STORY(sound_becomes_an_mp3_and_is_verified),
        STORY(a_result_is_told_until_it_is_acknowledged),
        STORY(a_cancel_ends_the_children_and_frees_the_slot),
        STORY(a_job_without_a_slot_is_rejected),
        STORY(the_deadline_ends_an_attempt),
        STORY(a_child_killed_by_another_is_lost),
        STORY(the_end_of_a_worker_is_told_and_takes_its_children),
        STORY(a_superseded_worker_ends),
        STORY(a_worker_whose_seal_leaks_does_not_register),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
