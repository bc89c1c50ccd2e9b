#include "tests/unit/common/unit.h"

#include "broker/queue/schedule.h"
#include "broker/queue/session.h"

static struct fm_id number(uint8_t kind, uint8_t n)
{
    struct fm_id id = {{kind, n}};
    return id;
}

static void leases_of_all_brokers_count(void **state)
{
    (void)state;
    struct fm_running_limit *limit = fm_running_limit_new();
    struct fm_id one = number(1, 1), two = number(1, 2);
    assert_false(fm_running_limit_is_reached(limit, &one, 1));
    fm_running_limit_begin(limit, &one);
    assert_true(fm_running_limit_is_reached(limit, &one, 1));
    assert_false(fm_running_limit_is_reached(limit, &one, 2));
    fm_running_limit_add_others(limit, &one, 1);
    fm_running_limit_add_others(limit, &two, 5);
    assert_true(fm_running_limit_is_reached(limit, &one, 2));
    assert_true(fm_running_limit_is_reached(limit, &two, 5));
    assert_false(fm_running_limit_is_reached(limit, &two, 0));
    fm_running_limit_forget_others(limit);
    assert_false(fm_running_limit_is_reached(limit, &one, 2));
    assert_false(fm_running_limit_is_reached(limit, &two, 1));
    fm_running_limit_end(limit, &one);
    assert_false(fm_running_limit_is_reached(limit, &one, 1));
    fm_running_limit_destroy(&limit);
}

static void a_session_tells_of_its_leases(void **state)
{
    (void)state;
    struct fm_running_limit *limit = fm_running_limit_new();
    struct fm_session_set *set = fm_session_set_new(limit);
    struct fm_tick_node node = {.id = number(3, 1)};
    struct fm_session *session = fm_session_get(set, &node);
    struct fm_id account = number(1, 1), job = number(2, 1);
    fm_session_lease_add(session, 7, FM_CLASS_NET, &account, &job);
    fm_session_lease_add(session, 7, FM_CLASS_NET, &account, &job);
    fm_session_lease_add(session, 8, FM_CLASS_CPU, &account, &job);
    assert_true(fm_running_limit_is_reached(limit, &account, 2));
    assert_false(fm_running_limit_is_reached(limit, &account, 3));
    fm_session_lease_drop(session, fm_session_lease_find(session, 7));
    assert_false(fm_running_limit_is_reached(limit, &account, 2));
    fm_session_remove(set, session);
    assert_false(fm_running_limit_is_reached(limit, &account, 1));
    fm_session_set_destroy(&set);
    fm_running_limit_destroy(&limit);
}

static uint8_t next_job(struct fm_schedule *order)
{
    struct fm_id node = number(3, 1);
    struct fm_tick_head got;
    return fm_schedule_next(order, "any:net", &node, true, &got) ? got.id.bytes[1] : 0;
}

static void an_account_at_its_cap_is_passed_over_and_waits(void **state)
{
    (void)state;
    struct fm_running_limit *limit = fm_running_limit_new();
    struct fm_schedule *order = fm_schedule_new(limit);
    const struct fm_tick_head heads[] = {
        {.account = number(1, 1), .id = number(2, 10), .lane = 1, .running_limit = 1},
        {.account = number(1, 1), .id = number(2, 11), .lane = 1, .running_limit = 1},
        {.account = number(1, 2), .id = number(2, 20), .lane = 1}};
    struct fm_id at_limit[4];
    fm_schedule_begin_refill(order);
    fm_schedule_refill(order, "any:net", heads, 3);
    assert_int_equal(fm_schedule_at_limit(order, at_limit, 4), 0);
    assert_int_equal(next_job(order), 10);
    fm_running_limit_begin(limit, &heads[0].account);
    assert_int_equal(next_job(order), 20);
    assert_int_equal(next_job(order), 0);
    assert_int_equal(fm_schedule_at_limit(order, at_limit, 4), 1);
    assert_int_equal(fm_id_compare(&at_limit[0], &heads[0].account), 0);
    fm_running_limit_end(limit, &heads[0].account);
    assert_int_equal(next_job(order), 11);
    fm_schedule_destroy(&order);
    fm_running_limit_destroy(&limit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leases_of_all_brokers_count),
        cmocka_unit_test(a_session_tells_of_its_leases),
        cmocka_unit_test(an_account_at_its_cap_is_passed_over_and_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
