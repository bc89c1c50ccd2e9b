/* Tests the deletion of a job by its client: in which states it is possible, and what goes with it.
 */
#include "tests/integration/world.h"

#include "proto/message.h"

#define L1 0xfedcba9876543210u
#define S1 0x8877665544332211u

static void expect(struct fm_queue_event *event, enum fm_queue_outcome outcome)
{
    assert_int_equal(world_do(event), outcome);
}

static void expect_nothing_left(void)
{
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(*) FROM job"), 0);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(*) FROM live"), 0);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(*) FROM done"), 0);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(*) FROM file"), 0);
}

static void succeed(struct fm_id id)
{
    static const struct fm_file_facts file = {
        .name = "video",
        .extension = "mp4",
        .content_type = "video/mp4",
        .size_bytes = 7,
        .sha256 = {"0123456789abcdef0123456789abcdef", 32},
    };
    struct fm_queue_event *finish = world_finish(id, L1, FM_STATE_SUCCEEDED);
    finish->files = &file;
    finish->file_count = 1;
    expect(finish, FM_QUEUE_MOVED);
}

static void a_waiting_job_is_deleted(void **state)
{
    (void)state;
    struct fm_id id = world_waiting();
    expect(world_delete(id), FM_QUEUE_MOVED);
    expect_nothing_left();
}

static void an_ended_job_is_deleted_with_its_files(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    succeed(id);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(*) FROM file"), 1);
    expect(world_delete(id), FM_QUEUE_MOVED);
    expect_nothing_left();
}

static void a_leased_job_stays(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    expect(world_delete(id), FM_QUEUE_STALE);
    assert_string_equal(world_place(id), "leased");
}

static void a_delete_that_runs_again_finds_none_and_takes_no_other(void **state)
{
    (void)state;
    struct fm_id id = world_waiting(), other = world_waiting();
    expect(world_delete(id), FM_QUEUE_MOVED);
    expect(world_delete(id), FM_QUEUE_MISSING);
    assert_string_equal(world_place(other), "waiting");
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(*) FROM job"), 1);
}

static void another_accounts_job_is_not_deleted(void **state)
{
    (void)state;
    struct fm_id id = world_waiting();
    struct fm_queue_event *event = world_delete(id);
    event->account = fm_id_new();
    expect(event, FM_QUEUE_MISSING);
    assert_string_equal(world_place(id), "waiting");
}

static void a_cancel_and_a_delete_in_one_flush_leave_nothing(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    struct fm_queue_event *cancel = world_cancel(id), *delete = world_delete(id);
    world_add(world_queue, delete);
    world_add(world_queue, cancel);
    world_pump(world_queue, 0);
    assert_int_equal(cancel->outcome, FM_QUEUE_MOVED);
    assert_int_equal(delete->outcome, FM_QUEUE_MOVED);
    fm_queue_event_destroy(&cancel);
    fm_queue_event_destroy(&delete);
    expect_nothing_left();
    expect(world_finish(id, L1, FM_STATE_FAILED), FM_QUEUE_STALE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_waiting_job_is_deleted),
        TEST(an_ended_job_is_deleted_with_its_files),
        TEST(a_leased_job_stays),
        TEST(a_delete_that_runs_again_finds_none_and_takes_no_other),
        TEST(another_accounts_job_is_not_deleted),
        TEST(a_cancel_and_a_delete_in_one_flush_leave_nothing),
    };
    return cmocka_run_group_tests_name("delete", tests, world_open, world_close);
}
