#include "tests/unit/common/unit.h"

#include "broker/queue/schedule.h"
#include "proto/names.h"

static struct fm_id number(uint8_t kind, uint8_t n)
{
    struct fm_id id = {{kind, n}};
    return id;
}

static struct fm_tick_head head(uint8_t account, uint8_t job, unsigned lane)
{
    return (struct fm_tick_head){.account = number(1, account), .id = number(2, job), .lane = lane};
}

static uint8_t next_job(struct fm_schedule *schedule)
{
    struct fm_id node = number(3, 1);
    struct fm_tick_head got;
    return fm_schedule_next(schedule, "any:net", &node, true, &got) ? got.id.bytes[1] : 0;
}

static void accounts_of_a_lane_take_turns(void **state)
{
    (void)state;
    struct fm_schedule *schedule = fm_schedule_new(NULL);
    const struct fm_tick_head heads[] = {
        head(1, 10, FM_PRIORITY_NORMAL), head(1, 11, FM_PRIORITY_NORMAL),
        head(1, 12, FM_PRIORITY_NORMAL), head(2, 20, FM_PRIORITY_NORMAL)};
    fm_schedule_refill(schedule, "any:net", heads, 4);
    assert_int_equal(next_job(schedule), 10);
    assert_int_equal(next_job(schedule), 20);
    assert_int_equal(next_job(schedule), 11);
    assert_int_equal(next_job(schedule), 12);
    assert_int_equal(next_job(schedule), 0);
    assert_true(fm_schedule_is_empty(schedule, "any:net"));
    fm_schedule_destroy(&schedule);
}

static void an_account_keeps_its_turn_over_a_refill(void **state)
{
    (void)state;
    struct fm_schedule *schedule = fm_schedule_new(NULL);
    const struct fm_tick_head heads[] = {head(1, 10, FM_PRIORITY_NORMAL),
                                         head(2, 20, FM_PRIORITY_NORMAL)};
    fm_schedule_refill(schedule, "any:net", heads, 2);
    assert_int_equal(next_job(schedule), 10);
    fm_schedule_settle(schedule, &heads[0].id);
    fm_schedule_begin_refill(schedule);
    fm_schedule_refill(schedule, "any:net", heads, 2);
    assert_int_equal(next_job(schedule), 20);
    assert_int_equal(next_job(schedule), 10);
    fm_schedule_destroy(&schedule);
}

static void a_key_is_not_put_back_by_a_read_that_began_before_its_claim_was_settled(void **state)
{
    (void)state;
    struct fm_schedule *schedule = fm_schedule_new(NULL);
    const struct fm_tick_head one = head(1, 10, FM_PRIORITY_NORMAL);
    fm_schedule_refill(schedule, "any:net", &one, 1);
    assert_int_equal(next_job(schedule), 10);
    fm_schedule_begin_refill(schedule);
    fm_schedule_settle(schedule, &one.id);
    fm_schedule_refill(schedule, "any:net", &one, 1);
    assert_int_equal(next_job(schedule), 0);
    fm_schedule_begin_refill(schedule);
    fm_schedule_refill(schedule, "any:net", &one, 1);
    assert_int_equal(next_job(schedule), 10);
    fm_schedule_destroy(&schedule);
}

static void lanes_are_weighted_four_two_one(void **state)
{
    (void)state;
    struct fm_schedule *schedule = fm_schedule_new(NULL);
    struct fm_tick_head heads[42];
    for (uint8_t i = 0; i < 42; i++) {
        heads[i] = head(1, (uint8_t)(i + 1), i % 3);
    }
    fm_schedule_refill(schedule, "any:net", heads, 42);
    unsigned taken[3] = {0};
    for (int i = 0; i < 14; i++) {
        taken[(next_job(schedule) - 1) % 3]++;
    }
    assert_int_equal(taken[FM_PRIORITY_HIGH], 8);
    assert_int_equal(taken[FM_PRIORITY_NORMAL], 4);
    assert_int_equal(taken[FM_PRIORITY_LOW], 2);
    fm_schedule_destroy(&schedule);
}

static void a_lone_lane_gets_every_turn(void **state)
{
    (void)state;
    struct fm_schedule *schedule = fm_schedule_new(NULL);
    struct fm_tick_head heads[5];
    for (uint8_t i = 0; i < 5; i++) {
        heads[i] = head(1, (uint8_t)(i + 1), FM_PRIORITY_LOW);
    }
    fm_schedule_refill(schedule, "any:net", heads, 5);
    for (uint8_t i = 1; i <= 5; i++) {
        assert_int_equal(next_job(schedule), i);
    }
    fm_schedule_destroy(&schedule);
}

static void a_job_avoids_its_node_only_while_there_is_another(void **state)
{
    (void)state;
    struct fm_schedule *schedule = fm_schedule_new(NULL);
    struct fm_tick_head heads[] = {head(1, 10, FM_PRIORITY_NORMAL),
                                   head(1, 11, FM_PRIORITY_NORMAL)};
    struct fm_id node = number(3, 1);
    struct fm_tick_head got;
    heads[0].avoid = node;
    fm_schedule_refill(schedule, "any:net", heads, 2);
    assert_true(fm_schedule_next(schedule, "any:net", &node, true, &got));
    assert_int_equal(got.id.bytes[1], 11);
    assert_false(fm_schedule_next(schedule, "any:net", &node, true, &got));
    assert_true(fm_schedule_next(schedule, "any:net", &node, false, &got));
    assert_int_equal(got.id.bytes[1], 10);
    fm_schedule_destroy(&schedule);
}

static void a_pool_knows_nothing_of_another(void **state)
{
    (void)state;
    struct fm_schedule *schedule = fm_schedule_new(NULL);
    const struct fm_tick_head one = head(1, 10, FM_PRIORITY_NORMAL);
    fm_schedule_refill(schedule, "any:cpu", &one, 1);
    assert_int_equal(next_job(schedule), 0);
    assert_false(fm_schedule_is_empty(schedule, "any:cpu"));
    fm_schedule_destroy(&schedule);
}

/* ---- what is known without a read ---- */

static void read_heads(struct fm_schedule *schedule, const struct fm_tick_head *heads, size_t count)
{
    fm_schedule_begin_refill(schedule);
    fm_schedule_refill(schedule, "any:net", heads, count);
}

static void arrive(struct fm_schedule *schedule, uint8_t account, uint8_t job)
{
    const struct fm_tick_head one = head(account, job, FM_PRIORITY_NORMAL);
    fm_schedule_expect(schedule, "any:net");
    fm_schedule_arrive(schedule, "any:net", &one);
}

static void a_pool_is_open_once_a_read_found_nothing_waiting(void **state)
{
    (void)state;
    struct fm_schedule *schedule = fm_schedule_new(NULL);
    assert_false(fm_schedule_is_open(schedule, "any:net"));
    assert_true(fm_schedule_wants_refill(schedule, "any:net", 1));
    read_heads(schedule, NULL, 0);
    assert_true(fm_schedule_is_open(schedule, "any:net"));
    assert_false(fm_schedule_wants_refill(schedule, "any:net", 1));
    fm_schedule_doubt(schedule);
    assert_false(fm_schedule_is_open(schedule, "any:net"));
    fm_schedule_destroy(&schedule);
}

static void a_look_that_began_before_the_doubt_does_not_dispel_it(void **state)
{
    (void)state;
    struct fm_schedule *schedule = fm_schedule_new(NULL);
    fm_schedule_begin_refill(schedule);
    fm_schedule_doubt(schedule);
    fm_schedule_refill(schedule, "any:net", NULL, 0);
    assert_false(fm_schedule_is_open(schedule, "any:net"));
    read_heads(schedule, NULL, 0);
    assert_true(fm_schedule_is_open(schedule, "any:net"));
    fm_schedule_destroy(&schedule);
}

static void a_job_on_its_way_is_not_overtaken(void **state)
{
    (void)state;
    struct fm_schedule *schedule = fm_schedule_new(NULL);
    read_heads(schedule, NULL, 0);
    fm_schedule_expect(schedule, "any:net");
    assert_false(fm_schedule_is_open(schedule, "any:net"));
    assert_int_equal(next_job(schedule), 0);
    fm_schedule_arrive(schedule, "any:net", NULL);
    assert_true(fm_schedule_is_open(schedule, "any:net"));
    arrive(schedule, 1, 10);
    assert_false(fm_schedule_is_open(schedule, "any:net"));
    assert_int_equal(next_job(schedule), 10);
    assert_true(fm_schedule_is_open(schedule, "any:net"));
    fm_schedule_destroy(&schedule);
}

static void what_came_during_a_read_is_kept_once(void **state)
{
    (void)state;
    struct fm_schedule *schedule = fm_schedule_new(NULL);
    read_heads(schedule, NULL, 0);
    arrive(schedule, 1, 9);
    fm_schedule_begin_refill(schedule);
    arrive(schedule, 1, 10);
    arrive(schedule, 1, 11);
    const struct fm_tick_head seen[] = {head(1, 8, FM_PRIORITY_NORMAL),
                                        head(1, 10, FM_PRIORITY_NORMAL)};
    fm_schedule_refill(schedule, "any:net", seen, 2);
    assert_int_equal(next_job(schedule), 8);
    assert_int_equal(next_job(schedule), 10);
    assert_int_equal(next_job(schedule), 11);
    assert_int_equal(next_job(schedule), 0);
    fm_schedule_destroy(&schedule);
}

static void nothing_is_put_behind_keys_that_no_read_has_returned(void **state)
{
    (void)state;
    struct fm_schedule *schedule = fm_schedule_new(NULL);
    struct fm_tick_head heads[] = {head(1, 10, FM_PRIORITY_NORMAL),
                                   head(1, 11, FM_PRIORITY_NORMAL)};
    heads[0].most = heads[1].most = 2;
    read_heads(schedule, heads, 2);
    arrive(schedule, 1, 99);
    arrive(schedule, 2, 20);
    assert_true(fm_schedule_wants_refill(schedule, "any:net", 4));
    assert_false(fm_schedule_wants_refill(schedule, "any:net", 3));
    assert_int_equal(next_job(schedule), 10);
    assert_int_equal(next_job(schedule), 20);
    assert_int_equal(next_job(schedule), 11);
    assert_int_equal(next_job(schedule), 0);
    assert_false(fm_schedule_is_open(schedule, "any:net"));
    fm_schedule_destroy(&schedule);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_of_a_lane_take_turns),
        cmocka_unit_test(an_account_keeps_its_turn_over_a_refill),
        cmocka_unit_test(a_key_is_not_put_back_by_a_read_that_began_before_its_claim_was_settled),
        cmocka_unit_test(lanes_are_weighted_four_two_one),
        cmocka_unit_test(a_lone_lane_gets_every_turn),
        cmocka_unit_test(a_job_avoids_its_node_only_while_there_is_another),
        cmocka_unit_test(a_pool_knows_nothing_of_another),
        cmocka_unit_test(a_pool_is_open_once_a_read_found_nothing_waiting),
        cmocka_unit_test(a_look_that_began_before_the_doubt_does_not_dispel_it),
        cmocka_unit_test(a_job_on_its_way_is_not_overtaken),
        cmocka_unit_test(what_came_during_a_read_is_kept_once),
        cmocka_unit_test(nothing_is_put_behind_keys_that_no_read_has_returned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
