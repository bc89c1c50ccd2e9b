#include "tests/unit/common/unit.h"

#include "broker/queue/start_rate.h"

static const struct fm_id one = {{1, 1}}, two = {{1, 2}};

static void nothing_started_is_nothing_known(void **state)
{
    (void)state;
    struct fm_start_rate *rate = fm_start_rate_new();
    assert_int_equal(fm_start_rate_wait_seconds(rate, "any:net", 1, &one, 5, 1000), -1);
    fm_start_rate_note(rate, "any:net", 1, &one, 1000);
    assert_int_equal(fm_start_rate_wait_seconds(rate, "any:cpu", 1, &one, 5, 1000), -1);
    assert_int_equal(fm_start_rate_wait_seconds(rate, "any:net", 0, &one, 5, 1000), -1);
    assert_int_equal(fm_start_rate_wait_seconds(rate, "any:net", 1, &two, 5, 1000), -1);
    fm_start_rate_destroy(&rate);
}

static void a_steady_pace_tells_the_wait(void **state)
{
    (void)state;
    struct fm_start_rate *rate = fm_start_rate_new();
    int64_t now = 1000000;
    for (int i = 0; i < 240; i++, now += 500) {
        fm_start_rate_note(rate, "any:net", 1, &one, now);
    }
    assert_in_range(fm_start_rate_wait_seconds(rate, "any:net", 1, &one, 99, now), 45, 55);
    assert_in_range(fm_start_rate_wait_seconds(rate, "any:net", 1, &one, 0, now), 1, 1);
    fm_start_rate_destroy(&rate);
}

static void a_first_start_promises_no_more_than_one_in_ten_seconds(void **state)
{
    (void)state;
    struct fm_start_rate *rate = fm_start_rate_new();
    fm_start_rate_note(rate, "any:net", 1, &one, 1000);
    assert_int_equal(fm_start_rate_wait_seconds(rate, "any:net", 1, &one, 2, 1001), 30);
    fm_start_rate_destroy(&rate);
}

static void a_minute_without_a_start_is_forgotten(void **state)
{
    (void)state;
    struct fm_start_rate *rate = fm_start_rate_new();
    fm_start_rate_note(rate, "any:net", 1, &one, 1000);
    assert_int_equal(fm_start_rate_wait_seconds(rate, "any:net", 1, &one, 0, 66000), -1);
    fm_start_rate_note(rate, "any:net", 1, &one, 70000);
    assert_int_equal(fm_start_rate_wait_seconds(rate, "any:net", 1, &one, 0, 70000), 10);
    fm_start_rate_destroy(&rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_started_is_nothing_known),
        cmocka_unit_test(a_steady_pace_tells_the_wait),
        cmocka_unit_test(a_first_start_promises_no_more_than_one_in_ten_seconds),
        cmocka_unit_test(a_minute_without_a_start_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
