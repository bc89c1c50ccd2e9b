#include "tests/unit/common/unit.h"

#include "broker/queue/session.h"
#include "common/memory.h"

static const struct fm_tick_node node = {.id = {{7}}, .name = "berlin-1"};
static const struct fm_id account = {{1}}, job = {{2}};

struct world {
    struct fm_session_set *set;
    struct fm_session *session;
};

static int attach(void **state)
{
    struct world *world = fm_alloc(sizeof *world);
    world->set = fm_session_set_new(NULL);
    world->session = fm_session_get(world->set, &node);
    world->session->id = 42;
    world->session->state = FM_SESSION_ATTACHED;
    world->session->slots[FM_CLASS_NET] = 2;
    snprintf(world->session->placement, sizeof world->session->placement, "any");
    *state = world;
    return 0;
}

static int leave(void **state)
{
    struct world *world = *state;
    fm_session_set_destroy(&world->set);
    fm_memory_release(&world);
    return 0;
}

static struct fm_session_lease *hold(struct world *world, uint64_t lease)
{
    return fm_session_lease_add(world->session, lease, FM_CLASS_NET, &account, &job);
}

static void free_slots_are_those_told_minus_leases_held(void **state)
{
    struct world *world = *state;
    assert_int_equal(fm_session_free(world->session, FM_CLASS_NET), 2);
    hold(world, 1);
    assert_int_equal(fm_session_free(world->session, FM_CLASS_NET), 1);
    hold(world, 2);
    hold(world, 3);
    assert_int_equal(fm_session_free(world->session, FM_CLASS_NET), 0);
    assert_int_equal(fm_session_free(world->session, FM_CLASS_CPU), 0);
}

static void no_worker_holds_more_leases_than_its_words_can_list(void **state)
{
    struct world *world = *state;
    world->session->slots[FM_CLASS_NET] = 1024;
    world->session->slots[FM_CLASS_CPU] = 1024;
    assert_int_equal(fm_session_free(world->session, FM_CLASS_NET), 512);
    for (uint64_t lease = 1; lease <= 511; lease++) {
        hold(world, lease);
    }
    assert_int_equal(fm_session_free(world->session, FM_CLASS_CPU), 1);
    hold(world, 512);
    assert_int_equal(fm_session_free(world->session, FM_CLASS_NET), 0);
    assert_int_equal(fm_session_free(world->session, FM_CLASS_CPU), 0);
}

static void a_session_that_is_not_among_the_rows_as_mine_is_gone(void **state)
{
    struct world *world = *state;
    const struct fm_tick_session rows[] = {{.id = 41, .broker = 5}, {.id = 42, .broker = 5}};
    assert_null(fm_session_gone(world->set, 5, rows, 1)); /* it came after the read began */
    fm_session_ask(world->set);
    assert_null(fm_session_gone(world->set, 5, rows, 2));
    assert_ptr_equal(fm_session_gone(world->set, 5, rows, 1), world->session);
    assert_ptr_equal(fm_session_gone(world->set, 6, rows, 2), world->session);
    world->session->state = FM_SESSION_ATTACHING;
    fm_session_ask(world->set);
    assert_null(fm_session_gone(world->set, 5, rows, 1));
}

static void a_full_or_attaching_worker_has_none(void **state)
{
    struct world *world = *state;
    world->session->is_full = true;
    assert_int_equal(fm_session_free(world->session, FM_CLASS_NET), 0);
    world->session->is_full = false;
    world->session->state = FM_SESSION_ATTACHING;
    assert_int_equal(fm_session_free(world->session, FM_CLASS_NET), 0);
    assert_null(fm_session_by_id(world->set, 42));
}

static void a_lease_is_missed_only_after_an_ack_sent_behind_its_job(void **state)
{
    struct world *world = *state;
    world->session->acks = 5;
    hold(world, 1); /* its JOB goes out after ACK 5 */
    struct fm_heartbeat heartbeat = {.seen = 5};
    assert_null(fm_session_unlisted(world->session, &heartbeat));
    heartbeat.seen = 6;
    assert_non_null(fm_session_unlisted(world->session, &heartbeat));
    struct fm_held listed = {.lease = 1};
    heartbeat.leases = (struct fm_list){&listed, 1};
    assert_null(fm_session_unlisted(world->session, &heartbeat));
}

static void a_lease_being_claimed_or_ended_is_not_missed(void **state)
{
    struct world *world = *state;
    struct fm_heartbeat heartbeat = {.seen = 9};
    hold(world, 1)->is_claiming = true;
    hold(world, 2)->is_ending = true;
    assert_null(fm_session_unlisted(world->session, &heartbeat));
}

static void the_pool_is_placement_and_class(void **state)
{
    struct world *world = *state;
    char pool[48];
    fm_session_pool(world->session, FM_CLASS_CPU, pool);
    assert_string_equal(pool, "any:cpu");
}

/* ---- the observer ---- */

static void count_expired(void *context, const struct fm_tick_session *row)
{
    (void)row;
    ++*(unsigned *)context;
}

static unsigned reads_until_expired(uint64_t broker_of_row)
{
    struct fm_session_observer *observer = fm_session_observer_new(1);
    struct fm_tick_session row = {.id = 5, .broker = broker_of_row, .beat = 100};
    unsigned expired = 0, reads = 0;
    while (!expired && reads < 100) {
        fm_session_observe(observer, &row, 1, count_expired, &expired);
        reads++;
    }
    fm_session_observer_destroy(&observer);
    return reads;
}

static void my_silent_session_is_expired_after_six_more_reads_others_after_twelve(void **state)
{
    (void)state;
    assert_int_equal(reads_until_expired(1), 1 + 6);
    assert_int_equal(reads_until_expired(2), 1 + 12);
}

static void a_beat_that_moves_is_watched_anew(void **state)
{
    (void)state;
    struct fm_session_observer *observer = fm_session_observer_new(1);
    struct fm_tick_session row = {.id = 5, .broker = 1, .beat = 100};
    unsigned expired = 0;
    for (int i = 0; i < 50; i++) {
        row.beat += i % 6 == 0;
        fm_session_observe(observer, &row, 1, count_expired, &expired);
    }
    assert_int_equal(expired, 0);
    fm_session_observer_destroy(&observer);
}

static void a_session_that_went_and_came_is_new(void **state)
{
    (void)state;
    struct fm_session_observer *observer = fm_session_observer_new(1);
    struct fm_tick_session row = {.id = 5, .broker = 1, .beat = 100};
    unsigned expired = 0;
    for (int i = 0; i < 6; i++) {
        fm_session_observe(observer, &row, 1, count_expired, &expired);
    }
    fm_session_observe(observer, &row, 0, count_expired, &expired);
    for (int i = 0; i < 6; i++) {
        fm_session_observe(observer, &row, 1, count_expired, &expired);
    }
    assert_int_equal(expired, 0);
    fm_session_observer_destroy(&observer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(free_slots_are_those_told_minus_leases_held, attach, leave),
        cmocka_unit_test_setup_teardown(a_full_or_attaching_worker_has_none, attach, leave),
        cmocka_unit_test_setup_teardown(no_worker_holds_more_leases_than_its_words_can_list, attach,
                                        leave),
        cmocka_unit_test_setup_teardown(a_session_that_is_not_among_the_rows_as_mine_is_gone,
                                        attach, leave),
        cmocka_unit_test_setup_teardown(a_lease_is_missed_only_after_an_ack_sent_behind_its_job,
                                        attach, leave),
        cmocka_unit_test_setup_teardown(a_lease_being_claimed_or_ended_is_not_missed, attach,
                                        leave),
        cmocka_unit_test_setup_teardown(the_pool_is_placement_and_class, attach, leave),
        cmocka_unit_test(my_silent_session_is_expired_after_six_more_reads_others_after_twelve),
        cmocka_unit_test(a_beat_that_moves_is_watched_anew),
        cmocka_unit_test(a_session_that_went_and_came_is_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
