#include "tests/unit/common/unit.h"

#include "broker/request/queued_limit.h"

static const struct fm_reader_lookup trial = {.plan = "trial", .key_account = {{1, 1}}};
static const struct fm_reader_lookup operator_account = {
    .plan = "trial", .is_operator = true, .key_account = {{1, 2}}};

static bool may(struct fm_queued_limit *queued, size_t jobs)
{
    struct fm_error err = {0};
    bool is = fm_queued_limit_admit(queued, &trial, jobs, &err);
    assert_int_equal(err.code, is ? FM_NONE : FM_TOO_MANY_ACTIVE_JOBS);
    return is;
}

static void more_than_the_plan_allows_is_refused_whole(void **state)
{
    (void)state;
    struct fm_queued_limit *queued = fm_queued_limit_new();
    assert_false(may(queued, 1001));
    assert_true(may(queued, 999));
    assert_false(may(queued, 2));
    assert_true(may(queued, 1));
    assert_false(may(queued, 1));
    fm_queued_limit_destroy(&queued);
}

static void an_operator_is_never_counted_nor_refused(void **state)
{
    (void)state;
    struct fm_queued_limit *queued = fm_queued_limit_new();
    struct fm_error err = {0};
    uint64_t limit;
    assert_false(fm_queued_limit_begin_count(queued, &operator_account, 5000, &limit));
    assert_true(fm_queued_limit_admit(queued, &operator_account, 1000000, &err));
    fm_queued_limit_destroy(&queued);
}

static void the_count_replaces_what_was_accepted_before_it_was_asked_for(void **state)
{
    (void)state;
    struct fm_queued_limit *queued = fm_queued_limit_new();
    uint64_t limit;
    assert_true(may(queued, 900));
    assert_true(fm_queued_limit_begin_count(queued, &trial, 5000, &limit));
    assert_int_equal(limit, 1001);
    assert_true(may(queued, 100));
    assert_false(may(queued, 1));
    fm_queued_limit_end_count(queued, &trial.key_account, 850,
                              5010); /* 50 of the 900 have started */
    assert_true(may(queued, 50));
    assert_false(may(queued, 1));
    fm_queued_limit_destroy(&queued);
}

static void a_count_is_due_after_a_second_and_made_by_one(void **state)
{
    (void)state;
    struct fm_queued_limit *queued = fm_queued_limit_new();
    uint64_t limit;
    assert_true(fm_queued_limit_begin_count(queued, &trial, 5000, &limit));
    assert_true(
        fm_queued_limit_begin_count(queued, &trial, 5001, &limit)); /* nothing is known yet */
    fm_queued_limit_end_count(queued, &trial.key_account, 3, 5002);
    assert_false(fm_queued_limit_begin_count(queued, &trial, 6001, &limit));
    assert_true(fm_queued_limit_begin_count(queued, &trial, 6002, &limit));
    assert_false(fm_queued_limit_begin_count(queued, &trial, 6003, &limit));
    assert_true(fm_queued_limit_begin_count(queued, &trial, 7002, &limit)); /* that one was lost */
    assert_true(fm_queued_limit_begin_count(queued, &trial, 65002, &limit));
    assert_true(fm_queued_limit_begin_count(queued, &trial, 65003, &limit)); /* too old to go by */
    fm_queued_limit_destroy(&queued);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_the_plan_allows_is_refused_whole),
        cmocka_unit_test(an_operator_is_never_counted_nor_refused),
        cmocka_unit_test(the_count_replaces_what_was_accepted_before_it_was_asked_for),
        cmocka_unit_test(a_count_is_due_after_a_second_and_made_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
