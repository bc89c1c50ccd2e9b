/* Tests every event of the queue: what it does, and that running it again does no harm. */
#include "tests/integration/world.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "proto/message.h"

#define L1 0xfedcba9876543210u /* negative as a bigint */
#define L2 0x0123456789abcdefu
#define S1 0x8877665544332211u
#define S2 0x1122334455667788u

static void expect(struct fm_queue_event *event, enum fm_queue_outcome outcome)
{
    assert_int_equal(world_do(event), outcome);
}

static void a_post_makes_one_waiting_job(void **state)
{
    (void)state;
    struct fm_id id = world_waiting();
    assert_string_equal(world_place(id), "waiting");
    assert_int_equal(world_live(id, "max_tries"), 3);
    assert_int_equal(world_live(id, "lane"), FM_PRIORITY_NORMAL);
    expect(world_enqueue(id), FM_QUEUE_MOVED);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(*) FROM live"), 1);
}

static void a_post_that_repeats_a_job_names_it(void **state)
{
    (void)state;
    struct fm_queue_event *event = world_enqueue(fm_id_new());
    event->retry_of = world_waiting();
    expect(event, FM_QUEUE_MOVED);
    assert_int_equal(
        postgres_ask(&world_postgres, "SELECT count(*) FROM job a JOIN job b ON b.retry_of = a.id"),
        1);
}

static void a_post_that_runs_again_does_not_wake_an_ended_job(void **state)
{
    (void)state;
    struct fm_id id = world_waiting();
    expect(world_cancel(id), FM_QUEUE_MOVED);
    expect(world_enqueue(id), FM_QUEUE_MOVED);
    assert_string_equal(world_place(id), "canceled");
}

static void a_job_is_born_leased_where_a_slot_is_free(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = fm_id_new();
    struct fm_queue_event *born = world_born(id, L1, S1);
    world_add(world_queue, born);
    world_pump(world_queue, 0);
    assert_int_equal(born->outcome, FM_QUEUE_MOVED);
    assert_true(born->is_leased);
    assert_int_equal(born->starts, 1);
    assert_int_equal(born->time_left_ms, 3600000);
    fm_queue_event_destroy(&born);
    assert_string_equal(world_place(id), "leased");
    assert_int_equal(world_live(id, "starts"), 1);
    assert_int_equal(world_live(id, "(lease_id = -81985529216486896)::integer"), 1);
    assert_int_equal(world_live(id, "extract(epoch FROM deadline - started_at)"), 3600);
    expect(world_finish(id, L1, FM_STATE_SUCCEEDED), FM_QUEUE_MOVED);
}

static void a_job_is_born_waiting_where_the_session_is_not_mine(void **state)
{
    (void)state;
    world_session(S1, "one");
    postgres_run(&world_postgres, "UPDATE session SET broker = 7");
    struct fm_id id = fm_id_new();
    struct fm_queue_event *born = world_born(id, L1, S1);
    struct fm_queue_event *other =
        world_born(fm_id_new(), L2, S2); /* a session that never existed */
    world_add(world_queue, born);
    world_add(world_queue, other);
    world_pump(world_queue, 0);
    assert_int_equal(born->outcome, FM_QUEUE_MOVED);
    assert_false(born->is_leased || other->is_leased);
    fm_queue_event_destroy(&born);
    fm_queue_event_destroy(&other);
    assert_string_equal(world_place(id), "waiting");
    assert_int_equal(world_live(id, "starts"), 0);
}

/* When an uncertain flush runs again, it finds its own row: still leased, or not any more. */
static void a_birth_that_runs_again_finds_its_lease(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = fm_id_new();
    expect(world_born(id, L1, S1), FM_QUEUE_MOVED);
    struct fm_queue_event *again = world_born(id, L1, S1);
    world_add(world_queue, again);
    world_pump(world_queue, 0);
    assert_true(again->outcome == FM_QUEUE_MOVED && again->is_leased && again->starts == 1);
    assert_in_range(again->time_left_ms, 3590000, 3600000);
    fm_queue_event_destroy(&again);
    assert_int_equal(world_live(id, "starts"), 1);
    expect(world_release(id, L1, FM_RELEASE_UNCOUNTED), FM_QUEUE_MOVED);
    again = world_born(id, L1, S1);
    world_add(world_queue, again);
    world_pump(world_queue, 0);
    assert_true(again->outcome == FM_QUEUE_MOVED && !again->is_leased);
    fm_queue_event_destroy(&again);
    assert_string_equal(world_place(id), "waiting");
}

static void a_claim_leases_the_job_and_tells_what_a_worker_needs(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_waiting();
    struct fm_queue_event *claim = world_claim(id, L1, S1);
    world_add(world_queue, claim);
    world_pump(world_queue, 0);
    assert_int_equal(claim->outcome, FM_QUEUE_MOVED);
    assert_int_equal(claim->spec_length, strlen("the spec"));
    assert_memory_equal(claim->spec_copy, "the spec", claim->spec_length);
    assert_int_equal(claim->starts, 1);
    assert_in_range(claim->time_left_ms, 3590000, 3600000);
    fm_queue_event_destroy(&claim);
    assert_string_equal(world_place(id), "leased");
}

static void a_claim_that_runs_again_counts_one_start(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    expect(world_claim(id, L1, S1), FM_QUEUE_MOVED);
    assert_int_equal(world_live(id, "starts"), 1);
}

static void a_job_that_was_started_very_often_can_still_be_claimed(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_waiting();
    postgres_run(&world_postgres, "UPDATE live SET starts = 32767");
    expect(world_claim(id, L1, S1), FM_QUEUE_MOVED);
    assert_int_equal(world_live(id, "starts"), 32767);
}

static void a_job_is_claimed_by_one_lease_only(void **state)
{
    (void)state;
    world_session(S1, "one");
    world_session(S2, "two");
    struct fm_id id = world_leased(L1, S1);
    expect(world_claim(id, L2, S2), FM_QUEUE_STALE);
    assert_int_equal(world_live(id, "lease_id"), (int64_t)L1);
}

static void two_claims_of_one_job_in_one_flush_give_it_to_the_first(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_waiting();
    struct fm_queue_event *first = world_claim(id, L1, S1), *second = world_claim(id, L2, S1);
    world_add(world_queue, first);
    world_add(world_queue, second);
    world_pump(world_queue, 0);
    assert_int_equal(first->outcome, FM_QUEUE_MOVED);
    assert_int_equal(second->outcome, FM_QUEUE_STALE);
    fm_queue_event_destroy(&first);
    fm_queue_event_destroy(&second);
}

static void a_job_is_not_claimed_before_it_is_due(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = fm_id_new();
    struct fm_queue_event *later = world_enqueue(id);
    later->run_at_us = 4102444800123456; /* 2100 */
    expect(later, FM_QUEUE_MOVED);
    assert_int_equal(world_live(id, "extract(epoch FROM run_at) * 1000000"), 4102444800123456);
    expect(world_claim(id, L1, S1), FM_QUEUE_STALE);
    assert_string_equal(world_place(id), "waiting");
}

static void nobody_claims_for_a_session_that_is_not_his(void **state)
{
    (void)state;
    struct fm_id id = world_waiting();
    expect(world_claim(id, L1, S1), FM_QUEUE_STALE);
    world_session(S1, "one");
    postgres_run(&world_postgres, "UPDATE session SET broker = 7");
    expect(world_claim(id, L1, S1), FM_QUEUE_STALE);
    assert_string_equal(world_place(id), "waiting");
}

static void progress_is_written_by_the_lease_that_stands(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    expect(world_progress(id, L1), FM_QUEUE_MOVED);
    assert_int_equal(world_live(id, "octet_length(progress)"), 4);
    expect(world_progress(id, L2), FM_QUEUE_STALE);
}

static const struct fm_file_facts two_files[] = {
    {.name = "reel",
     .extension = "mp4",
     .content_type = "video/mp4",
     .size_bytes = 5000000000,
     .sha256 = {.data = "01234567890123456789012345678901", .length = 32}},
    {.name = "cover",
     .content_type = "image/jpeg",
     .size_bytes = 7,
     .sha256 = {.data = "01234567890123456789012345678901", .length = 32}},
};

static struct fm_queue_event *finish_with_files(struct fm_id id, uint64_t lease)
{
    struct fm_queue_event *event = world_finish(id, lease, FM_STATE_SUCCEEDED);
    event->files = two_files;
    event->file_count = FM_COUNT(two_files);
    return event;
}

static void a_success_moves_the_job_to_done_with_its_files(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    expect(finish_with_files(id, L1), FM_QUEUE_MOVED);
    assert_string_equal(world_place(id), "succeeded");
    assert_int_equal(world_done(id, "lease_id"), (int64_t)L1);
    assert_int_equal(world_done(id, "starts"), 1);
    assert_int_equal(world_done(id, "octet_length(result)"), 10);
    assert_in_range(world_done(id, "extract(epoch FROM expires_at - completed_at)"), 7199, 7201);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(*) FROM file"), 2);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT sum(size_bytes) FROM file"), 5000000007);
}

static void a_result_sent_again_is_acknowledged_and_changes_nothing(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    expect(finish_with_files(id, L1), FM_QUEUE_MOVED);
    expect(finish_with_files(id, L1), FM_QUEUE_MOVED);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(*) FROM file"), 2);
}

static void two_results_of_one_lease_in_one_flush_are_both_acknowledged(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    struct fm_queue_event *first = finish_with_files(id, L1), *second = finish_with_files(id, L1);
    world_add(world_queue, first);
    world_add(world_queue, second);
    world_pump(world_queue, 0);
    assert_int_equal(first->outcome, FM_QUEUE_MOVED);
    assert_int_equal(second->outcome, FM_QUEUE_MOVED);
    fm_queue_event_destroy(&first);
    fm_queue_event_destroy(&second);
}

static void a_stale_lease_can_neither_finish_nor_release_nor_progress(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    expect(world_release(id, L1, FM_RELEASE_UNCOUNTED), FM_QUEUE_MOVED);
    expect(world_claim(id, L2, S1), FM_QUEUE_MOVED);
    expect(finish_with_files(id, L1), FM_QUEUE_STALE);
    expect(world_release(id, L1, FM_RELEASE_LOSS), FM_QUEUE_STALE);
    expect(world_progress(id, L1), FM_QUEUE_STALE);
    assert_int_equal(world_live(id, "lease_id"), (int64_t)L2);
    assert_int_equal(world_live(id, "starts"), 2);
}

static void leases_swapped_between_two_jobs_end_neither(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id one = world_leased(L1, S1), two = world_leased(L2, S1);
    struct fm_queue_event *first = finish_with_files(one, L2), *second = finish_with_files(two, L1);
    world_add(world_queue, first);
    world_add(world_queue, second);
    world_pump(world_queue, 0);
    assert_int_equal(first->outcome, FM_QUEUE_STALE);
    assert_int_equal(second->outcome, FM_QUEUE_STALE);
    fm_queue_event_destroy(&first);
    fm_queue_event_destroy(&second);
    assert_string_equal(world_place(one), "leased");
    assert_string_equal(world_place(two), "leased");
}

static void a_final_error_ends_the_job_without_files(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    expect(world_finish(id, L1, FM_STATE_FAILED), FM_QUEUE_MOVED);
    assert_string_equal(world_place(id), "failed");
    assert_int_equal(world_done(id, "error"), FM_MEDIA_INVALID);
    assert_int_equal(world_done(id, "(detail = 'bad \"bytes\" ?')::integer"), 1);
    assert_int_equal(world_done(id, "(expires_at IS NULL)::integer"), 1);
}

static void a_waiting_job_is_canceled(void **state)
{
    (void)state;
    struct fm_id id = world_waiting();
    struct fm_queue_event *cancel = world_cancel(id);
    world_add(world_queue, cancel);
    world_pump(world_queue, 0);
    assert_int_equal(cancel->outcome, FM_QUEUE_MOVED);
    assert_int_equal(cancel->had_lease, 0);
    fm_queue_event_destroy(&cancel);
    assert_string_equal(world_place(id), "canceled");
    assert_int_equal(world_done(id, "error"), FM_CANCELED);
    assert_int_equal(world_done(id, "(lease_id IS NULL)::integer"), 1);
}

static void a_leased_job_is_canceled_and_its_worker_named(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    struct fm_queue_event *cancel = world_cancel(id);
    world_add(world_queue, cancel);
    world_pump(world_queue, 0);
    assert_int_equal(cancel->outcome, FM_QUEUE_MOVED);
    assert_true(cancel->had_lease == L1 && cancel->had_session == S1);
    fm_queue_event_destroy(&cancel);
    expect(finish_with_files(id, L1), FM_QUEUE_STALE);
    assert_string_equal(world_place(id), "canceled");
}

static void a_cancel_of_an_ended_job_says_how_it_ended(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    expect(finish_with_files(id, L1), FM_QUEUE_MOVED);
    struct fm_queue_event *cancel = world_cancel(id);
    world_add(world_queue, cancel);
    world_pump(world_queue, 0);
    assert_int_equal(cancel->outcome, FM_QUEUE_ENDED);
    assert_int_equal(cancel->state, FM_STATE_SUCCEEDED);
    fm_queue_event_destroy(&cancel);
}

static void a_cancel_of_another_accounts_job_finds_none(void **state)
{
    (void)state;
    struct fm_id id = world_waiting();
    struct fm_queue_event *cancel = world_cancel(id);
    cancel->account = fm_id_new();
    expect(cancel, FM_QUEUE_MISSING);
    expect(world_cancel(fm_id_new()), FM_QUEUE_MISSING);
    assert_string_equal(world_place(id), "waiting");
}

static void a_result_and_a_cancel_in_one_flush_end_the_job_once(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    struct fm_queue_event *cancel = world_cancel(id), *again = world_cancel(id);
    struct fm_queue_event *progress = world_progress(id, L1), *finish = finish_with_files(id, L1);
    world_add(world_queue, cancel);
    world_add(world_queue, again);
    world_add(world_queue, finish);
    world_add(world_queue, progress);
    world_pump(world_queue, 0);
    assert_int_equal(finish->outcome, FM_QUEUE_MOVED);
    assert_int_equal(progress->outcome, FM_QUEUE_MOVED);
    assert_int_equal(cancel->outcome, FM_QUEUE_ENDED);
    assert_int_equal(cancel->state, FM_STATE_SUCCEEDED);
    assert_int_equal(again->outcome, FM_QUEUE_ENDED);
    fm_queue_event_destroy(&cancel);
    fm_queue_event_destroy(&again);
    fm_queue_event_destroy(&finish);
    fm_queue_event_destroy(&progress);
}

static void an_event_the_database_refuses_fails_alone(void **state)
{
    (void)state;
    struct fm_queue_event *events[40];
    for (size_t i = 0; i < FM_COUNT(events); i++) {
        events[i] = world_enqueue(fm_id_new());
        world_add(world_queue, events[i]);
    }
    events[17]->id = fm_id_floor(0); /* no partition holds 1970 */
    world_pump(world_queue, 0);
    for (size_t i = 0; i < FM_COUNT(events); i++) {
        assert_int_equal(events[i]->outcome, i == 17 ? FM_QUEUE_FAILED : FM_QUEUE_MOVED);
        assert_int_equal(events[i]->failure, i == 17 ? FM_DATABASE : FM_NONE);
        fm_queue_event_destroy(&events[i]);
    }
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(*) FROM live"), 39);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_post_makes_one_waiting_job),
        TEST(a_post_that_repeats_a_job_names_it),
        TEST(a_post_that_runs_again_does_not_wake_an_ended_job),
        TEST(a_job_is_born_leased_where_a_slot_is_free),
        TEST(a_job_is_born_waiting_where_the_session_is_not_mine),
        TEST(a_birth_that_runs_again_finds_its_lease),
        TEST(a_claim_leases_the_job_and_tells_what_a_worker_needs),
        TEST(a_claim_that_runs_again_counts_one_start),
        TEST(a_job_that_was_started_very_often_can_still_be_claimed),
        TEST(a_job_is_claimed_by_one_lease_only),
        TEST(two_claims_of_one_job_in_one_flush_give_it_to_the_first),
        TEST(a_job_is_not_claimed_before_it_is_due),
        TEST(nobody_claims_for_a_session_that_is_not_his),
        TEST(progress_is_written_by_the_lease_that_stands),
        TEST(a_success_moves_the_job_to_done_with_its_files),
        TEST(a_result_sent_again_is_acknowledged_and_changes_nothing),
        TEST(two_results_of_one_lease_in_one_flush_are_both_acknowledged),
        TEST(a_stale_lease_can_neither_finish_nor_release_nor_progress),
        TEST(leases_swapped_between_two_jobs_end_neither),
        TEST(a_final_error_ends_the_job_without_files),
        TEST(a_waiting_job_is_canceled),
        TEST(a_leased_job_is_canceled_and_its_worker_named),
        TEST(a_cancel_of_an_ended_job_says_how_it_ended),
        TEST(a_cancel_of_another_accounts_job_finds_none),
        TEST(a_result_and_a_cancel_in_one_flush_end_the_job_once),
        TEST(an_event_the_database_refuses_fails_alone),
    };
    return cmocka_run_group_tests_name("queue", tests, world_open, world_close);
}
