#include "tests/unit/common/unit.h"

#include "broker/api/position.h"
#include "common/memory.h"

static struct fm_reader_job row_of(uint8_t account, int64_t run_at_us, uint8_t id)
{
    return (struct fm_reader_job){.account = {{1, account}},
                                  .id = {{2, id}},
                                  .pool = "any:net",
                                  .lane = 1,
                                  .run_at_us = run_at_us};
}

static void list(struct fm_position *position, const struct fm_reader_job *row, size_t count,
                 int64_t now_ms)
{
    struct fm_position_key *keys = fm_alloc_array(count + 1, sizeof(*keys));
    for (size_t i = 0; i < count; i++) {
        keys[i] = (struct fm_position_key){(int64_t)i / 2, {{2, (uint8_t)(i % 2)}}};
    }
    fm_position_end_list(position, row, keys, count, now_ms);
}

static void a_job_stands_behind_those_before_it(void **state)
{
    (void)state;
    struct fm_position *position = fm_position_new();
    struct fm_reader_job first = row_of(1, 0, 0), third = row_of(1, 1, 0), last = row_of(1, 9, 9);
    struct fm_reader_job other = row_of(2, 1, 0);
    assert_int_equal(fm_position_ahead(position, &first), -1);
    assert_true(fm_position_begin_list(position, &first, 5000));
    assert_int_equal(fm_position_ahead(position, &first), -1);
    list(position, &first, 10, 5001);
    assert_int_equal(fm_position_ahead(position, &first), 0);
    assert_int_equal(fm_position_ahead(position, &third), 2);
    assert_int_equal(fm_position_ahead(position, &last), 10);
    assert_int_equal(fm_position_ahead(position, &other), -1);
    fm_position_destroy(&position);
}

static void more_than_a_thousand_before_it_are_not_counted(void **state)
{
    (void)state;
    struct fm_position *position = fm_position_new();
    struct fm_reader_job last = row_of(1, 1000, 0), nearly = row_of(1, 500, 0);
    assert_true(fm_position_begin_list(position, &last, 5000));
    list(position, &last, 1001, 5001);
    assert_int_equal(fm_position_ahead(position, &last), -1);
    assert_int_equal(fm_position_ahead(position, &nearly), 1000);
    fm_position_destroy(&position);
}

static void a_place_is_listed_once_a_second_by_one(void **state)
{
    (void)state;
    struct fm_position *position = fm_position_new();
    struct fm_reader_job row = row_of(1, 0, 0);
    assert_true(fm_position_begin_list(position, &row, 5000));
    assert_true(fm_position_begin_list(position, &row, 5001)); /* nothing is known yet */
    list(position, &row, 3, 5002);
    assert_false(fm_position_begin_list(position, &row, 6001));
    assert_true(fm_position_begin_list(position, &row, 6002));
    assert_false(fm_position_begin_list(position, &row, 6003));
    assert_true(fm_position_begin_list(position, &row, 7002)); /* that one was lost */
    fm_position_destroy(&position);
}

static void a_job_that_came_after_the_list_has_it_made_anew(void **state)
{
    (void)state;
    struct fm_position *position = fm_position_new();
    struct fm_reader_job row = row_of(1, 0, 0), newer = row_of(1, 50, 0), far = row_of(1, 900, 0);
    assert_true(fm_position_begin_list(position, &row, 5000));
    list(position, &row, 3, 5002);
    assert_false(fm_position_begin_list(position, &row, 5003));
    assert_true(fm_position_begin_list(position, &newer, 5003));
    assert_false(fm_position_begin_list(position, &newer, 5004)); /* under way */
    list(position, &row, 1001, 5005);
    assert_false(fm_position_begin_list(position, &far, 5006)); /* behind a full one */
    fm_position_destroy(&position);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_stands_behind_those_before_it),
        cmocka_unit_test(more_than_a_thousand_before_it_are_not_counted),
        cmocka_unit_test(a_job_that_came_after_the_list_has_it_made_anew),
        cmocka_unit_test(a_place_is_listed_once_a_second_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
