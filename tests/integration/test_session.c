/* Tests sessions: how they begin, move between brokers and end, and how leases are given back. */
#include "tests/integration/world.h"

#include <stdlib.h>

#include "common/memory.h"

#define L1 0xfedcba9876543210u
#define L2 0x0123456789abcdefu
#define L3 0x00000000deadbeefu
#define S1 0x8877665544332211u
#define S2 0x1122334455667788u

static void expect(struct fm_queue_event *event, enum fm_queue_outcome outcome)
{
    assert_int_equal(world_do(event), outcome);
}

static void release(struct fm_id id, uint64_t lease, enum fm_queue_release why,
                    enum fm_queue_outcome outcome)
{
    expect(world_release(id, lease, why), outcome);
}

static void a_failed_try_waits_its_backoff(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    expect(world_progress(id, L1), FM_QUEUE_MOVED);
    release(id, L1, FM_RELEASE_RETRY, FM_QUEUE_MOVED);
    assert_string_equal(world_place(id), "waiting");
    assert_int_equal(world_live(id, "tries"), 1);
    assert_in_range(world_live(id, "extract(epoch FROM run_at - now())"), 55, 61);
    expect(world_claim(id, L2, S1), FM_QUEUE_STALE);
}

static void the_last_try_ends_the_job(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    for (uint64_t lease = L1; lease < L1 + 3; lease++) {
        struct fm_queue_event *event = world_release(id, lease, FM_RELEASE_RETRY);
        event->delay_ms = 0;
        expect(event, lease == L1 + 2 ? FM_QUEUE_ENDED : FM_QUEUE_MOVED);
        expect(world_claim(id, lease + 1, S1), lease == L1 + 2 ? FM_QUEUE_STALE : FM_QUEUE_MOVED);
    }
    assert_string_equal(world_place(id), "failed");
    assert_int_equal(world_done(id, "error"), FM_MEDIA_CRASH);
    assert_int_equal(world_done(id, "starts"), 3);
    assert_int_equal(world_done(id, "lease_id"), (int64_t)(L1 + 2));
    release(id, L1 + 2, FM_RELEASE_RETRY, FM_QUEUE_ENDED);
    release(id, L1 + 1, FM_RELEASE_RETRY, FM_QUEUE_STALE);
}

static void a_second_crash_ends_the_job(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    struct fm_queue_event *crash = world_release(id, L1, FM_RELEASE_CRASH);
    crash->node = fm_id_floor(77);
    expect(crash, FM_QUEUE_MOVED);
    assert_int_equal(world_live(id, "crashes"), 1);
    assert_int_equal(world_live(id, "(avoid IS NOT NULL)::integer"), 1);
    assert_int_equal(world_live(id, "(run_at <= now())::integer"), 1);
    expect(world_claim(id, L2, S1), FM_QUEUE_MOVED);
    release(id, L2, FM_RELEASE_CRASH, FM_QUEUE_ENDED);
    assert_int_equal(world_done(id, "error"), FM_MEDIA_CRASH);
}

static void a_third_loss_ends_the_job_as_worker_lost(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    for (uint64_t lease = L1; lease < L1 + 3; lease++) {
        release(id, lease, FM_RELEASE_LOSS, lease == L1 + 2 ? FM_QUEUE_ENDED : FM_QUEUE_MOVED);
        expect(world_claim(id, lease + 1, S1), lease == L1 + 2 ? FM_QUEUE_STALE : FM_QUEUE_MOVED);
    }
    assert_string_equal(world_place(id), "failed");
    assert_int_equal(world_done(id, "error"), FM_WORKER_LOST);
}

static void an_uncounted_release_keeps_the_jobs_place(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    long long run_at = world_live(id, "extract(epoch FROM run_at) * 1000000");
    release(id, L1, FM_RELEASE_UNCOUNTED, FM_QUEUE_MOVED);
    assert_int_equal(world_live(id, "extract(epoch FROM run_at) * 1000000"), run_at);
    assert_int_equal(world_live(id, "tries + losses + crashes"), 0);
    assert_int_equal(world_live(id, "starts"), 1);
}

static void a_hello_again_keeps_the_session_and_the_leases_it_lists(void **state)
{
    (void)state;
    struct fm_id node = world_node("one");
    expect(world_attach(node, S1, 5), FM_QUEUE_MOVED);
    struct fm_id kept = world_leased(L1, S1), dropped = world_leased(L2, S1);
    struct fm_queue_held held = {.account = world_account, .id = kept, .lease = L1};
    struct fm_queue_event *again = world_attach(node, S2, 5);
    again->held = &held;
    again->held_count = 1;
    uint64_t beat = again->beat;
    world_add(world_queue, again);
    world_pump(world_queue, 0);
    assert_int_equal(again->outcome, FM_QUEUE_MOVED);
    assert_true(again->session == S1);
    fm_queue_event_destroy(&again);
    assert_string_equal(world_place(kept), "leased");
    assert_string_equal(world_place(dropped), "waiting");
    assert_int_equal(world_live(dropped, "tries + losses + crashes"), 0);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT beat FROM session"), (int64_t)beat);
}

static void a_hello_moves_a_session_to_this_broker(void **state)
{
    (void)state;
    struct fm_id node = world_node("one");
    expect(world_attach(node, S1, 5), FM_QUEUE_MOVED);
    postgres_run(&world_postgres, "UPDATE session SET broker = 7");
    expect(world_beat(S1), FM_QUEUE_STALE);
    expect(world_attach(node, S2, 5), FM_QUEUE_MOVED);
    expect(world_beat(S1), FM_QUEUE_MOVED);
}

static void a_newer_boot_ends_the_older_session_with_a_loss(void **state)
{
    (void)state;
    struct fm_id node = world_node("one");
    expect(world_attach(node, S1, 5), FM_QUEUE_MOVED);
    struct fm_id id = world_leased(L1, S1);
    expect(world_attach(node, S2, 6), FM_QUEUE_MOVED);
    assert_string_equal(world_place(id), "waiting");
    assert_int_equal(world_live(id, "losses"), 1);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT id FROM session"), (int64_t)S2);
}

static void an_older_boot_is_refused(void **state)
{
    (void)state;
    struct fm_id node = world_node("one");
    expect(world_attach(node, S2, 6), FM_QUEUE_MOVED);
    expect(world_attach(node, S1, 5), FM_QUEUE_STALE);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT id FROM session"), (int64_t)S2);
}

static void a_goodbye_returns_the_leases_uncounted(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    expect(world_expire(S1, false), FM_QUEUE_MOVED);
    assert_string_equal(world_place(id), "waiting");
    assert_int_equal(world_live(id, "losses"), 0);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(*) FROM session"), 0);
    expect(world_expire(S1, false), FM_QUEUE_MOVED);
}

static void silence_counts_a_loss_and_avoids_the_node(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    expect(world_expire(S1, true), FM_QUEUE_MOVED);
    assert_int_equal(world_live(id, "losses"), 1);
    assert_int_equal(world_live(id, "(avoid = (SELECT id FROM node))::integer"), 1);
    expect(world_finish(id, L1, FM_STATE_FAILED), FM_QUEUE_STALE);
}

static void a_session_whose_beat_moved_on_is_not_expired(void **state)
{
    (void)state;
    struct fm_id node = world_node("one");
    struct fm_queue_event *attach = world_attach(node, S1, 1);
    uint64_t beat = attach->beat;
    expect(attach, FM_QUEUE_MOVED);
    struct fm_id id = world_leased(L1, S1);
    expect(world_beat(S1), FM_QUEUE_MOVED);
    struct fm_queue_event *expire = world_expire(S1, true);
    expire->beat = beat;
    expect(expire, FM_QUEUE_STALE);
    assert_string_equal(world_place(id), "leased");
    expire = world_expire(S1, true);
    expire->beat = beat + 1;
    expect(expire, FM_QUEUE_MOVED);
    assert_string_equal(world_place(id), "waiting");
}

static void a_job_lost_with_three_sessions_is_over(void **state)
{
    (void)state;
    struct fm_id node = world_node("one");
    struct fm_id id = world_waiting();
    for (uint64_t boot = 1; boot <= 3; boot++) {
        expect(world_attach(node, S2 + boot, boot), FM_QUEUE_MOVED);
        expect(world_claim(id, L3 + boot, S2 + boot), FM_QUEUE_MOVED);
    }
    expect(world_expire(S2 + 3, true), FM_QUEUE_MOVED);
    assert_string_equal(world_place(id), "failed");
    assert_int_equal(world_done(id, "error"), FM_WORKER_LOST);
    assert_int_equal(world_done(id, "lease_id"), (int64_t)(L3 + 3));
}

static void a_result_counts_though_its_session_ends_in_the_same_flush(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1), other = world_leased(L2, S1);
    struct fm_queue_event *expire = world_expire(S1, true);
    struct fm_queue_event *finish = world_finish(id, L1, FM_STATE_SUCCEEDED);
    world_add(world_queue, expire);
    world_add(world_queue, finish);
    world_pump(world_queue, 0);
    assert_int_equal(finish->outcome, FM_QUEUE_MOVED);
    assert_int_equal(expire->outcome, FM_QUEUE_MOVED);
    fm_queue_event_destroy(&finish);
    fm_queue_event_destroy(&expire);
    assert_string_equal(world_place(id), "succeeded");
    assert_string_equal(world_place(other), "waiting");
}

static void a_job_claimed_with_the_hello_is_kept(void **state)
{
    (void)state;
    struct fm_id node = world_node("one");
    expect(world_attach(node, S1, 1), FM_QUEUE_MOVED);
    struct fm_id id = world_waiting();
    struct fm_queue_event *claim = world_claim(id, L1, S1), *attach = world_attach(node, S1, 1);
    world_add(world_queue, claim);
    world_add(world_queue, attach);
    world_pump(world_queue, 0);
    assert_int_equal(claim->outcome, FM_QUEUE_MOVED);
    fm_queue_event_destroy(&claim);
    fm_queue_event_destroy(&attach);
    assert_string_equal(world_place(id), "leased");
}

static void an_unknown_node_is_refused_alone(void **state)
{
    (void)state;
    struct fm_queue_event *stranger = world_attach(fm_id_new(), S1, 1);
    struct fm_queue_event *known = world_attach(world_node("one"), S2, 1);
    world_add(world_queue, stranger);
    world_add(world_queue, known);
    world_pump(world_queue, 0);
    assert_int_equal(stranger->outcome, FM_QUEUE_FAILED);
    assert_int_equal(known->outcome, FM_QUEUE_MOVED);
    fm_queue_event_destroy(&stranger);
    fm_queue_event_destroy(&known);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_failed_try_waits_its_backoff),
        TEST(the_last_try_ends_the_job),
        TEST(a_second_crash_ends_the_job),
        TEST(a_third_loss_ends_the_job_as_worker_lost),
        TEST(an_uncounted_release_keeps_the_jobs_place),
        TEST(a_hello_again_keeps_the_session_and_the_leases_it_lists),
        TEST(a_hello_moves_a_session_to_this_broker),
        TEST(a_newer_boot_ends_the_older_session_with_a_loss),
        TEST(an_older_boot_is_refused),
        TEST(a_goodbye_returns_the_leases_uncounted),
        TEST(silence_counts_a_loss_and_avoids_the_node),
        TEST(a_session_whose_beat_moved_on_is_not_expired),
        TEST(a_job_lost_with_three_sessions_is_over),
        TEST(a_result_counts_though_its_session_ends_in_the_same_flush),
        TEST(a_job_claimed_with_the_hello_is_kept),
        TEST(an_unknown_node_is_refused_alone),
    };
    return cmocka_run_group_tests_name("session", tests, world_open, world_close);
}
