#include "tests/unit/common/unit.h"

#include "broker/request/single_flight.h"
#include "common/memory.h"

static unsigned values_freed;

static void count_freed(void *value)
{
    (void)value;
    values_freed++;
}

static struct fm_single_flight_kind kind_of_two(bool may_exceed)
{
    return (struct fm_single_flight_kind){.key_size = sizeof(int),
                                          .value_size = sizeof(int),
                                          .entries_max = 2,
                                          .may_exceed = may_exceed,
                                          .fresh_ms = 1000,
                                          .kept_ms = 5000,
                                          .value_done = count_freed};
}

static bool begin(struct fm_single_flight *table, int key, bool is_stale, int64_t now_ms)
{
    fm_single_flight_lock(table);
    void *value = fm_single_flight_get(table, &key, now_ms);
    bool is_due = value != NULL && fm_single_flight_begin(table, value, is_stale, now_ms);
    fm_single_flight_unlock(table);
    return is_due;
}

static void end(struct fm_single_flight *table, int key, int answer, int64_t now_ms)
{
    fm_single_flight_lock(table);
    int *value = fm_single_flight_find(table, &key);
    assert_non_null(value);
    *value = answer;
    fm_single_flight_end(table, value, now_ms);
    fm_single_flight_unlock(table);
}

static void one_caller_asks_while_the_others_use_the_old_answer(void **state)
{
    (void)state;
    struct fm_single_flight_kind kind = kind_of_two(false);
    struct fm_single_flight *table = fm_single_flight_new(&kind);
    assert_true(begin(table, 1, false, 10000));
    assert_true(begin(table, 1, false, 10001)); /* there is no older answer to use */
    end(table, 1, 7, 10002);
    assert_false(begin(table, 1, false, 11001));
    assert_true(begin(table, 1, false, 11002));
    assert_false(begin(table, 1, false, 11003));
    assert_true(begin(table, 1, false, 12002)); /* that question was lost */
    assert_true(begin(table, 1, false, 15002)); /* the answer is too old to serve */
    assert_true(begin(table, 1, false, 15003));
    fm_single_flight_destroy(&table);
}

static void a_stale_answer_is_asked_for_anew_by_one(void **state)
{
    (void)state;
    struct fm_single_flight_kind kind = kind_of_two(false);
    struct fm_single_flight *table = fm_single_flight_new(&kind);
    assert_true(begin(table, 1, false, 10000));
    end(table, 1, 7, 10001);
    assert_true(begin(table, 1, true, 10002));
    assert_false(begin(table, 1, true, 10003));
    fm_single_flight_destroy(&table);
}

static void a_full_table_drops_what_was_not_asked_for_lately(void **state)
{
    (void)state;
    struct fm_single_flight_kind kind = kind_of_two(false);
    struct fm_single_flight *table = fm_single_flight_new(&kind);
    values_freed = 0;
    assert_true(begin(table, 1, false, 10000));
    assert_true(begin(table, 2, false, 10900));
    assert_false(begin(table, 3, false, 10950)); /* both were asked for lately */
    assert_true(begin(table, 3, false, 11500));  /* in the place of the first */
    assert_int_equal(values_freed, 1);
    fm_single_flight_destroy(&table);
    assert_int_equal(values_freed, 3);
}

static void a_table_that_may_exceed_takes_every_key(void **state)
{
    (void)state;
    struct fm_single_flight_kind kind = kind_of_two(true);
    struct fm_single_flight *table = fm_single_flight_new(&kind);
    for (int key = 0; key < 5; key++) {
        assert_true(begin(table, key, false, 10000));
        end(table, key, key, 10000);
    }
    fm_single_flight_destroy(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_caller_asks_while_the_others_use_the_old_answer),
        cmocka_unit_test(a_stale_answer_is_asked_for_anew_by_one),
        cmocka_unit_test(a_full_table_drops_what_was_not_asked_for_lately),
        cmocka_unit_test(a_table_that_may_exceed_takes_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
