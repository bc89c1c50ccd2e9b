#include "tests/unit/common/unit.h"

#include "broker/queue/reason.h"

static const struct fm_id mine = {{1, 1}}, other = {{1, 2}};

static void a_job_nobody_holds_back_has_no_reason(void **state)
{
    (void)state;
    struct fm_reason *reason = fm_reason_new();
    assert_null(fm_reason_of(reason, "any:net", &mine, 3));
    fm_reason_destroy(&reason);
    fm_reason_destroy(&reason);
}

static void a_pause_holds_its_subject_and_no_other(void **state)
{
    (void)state;
    struct fm_reason *reason = fm_reason_new();
    const struct fm_reason_pause pauses[] = {
        {.kind = FM_REASON_SITE, .site = 3},
        {.kind = FM_REASON_POOL, .pool = "any:cpu"},
        {.kind = FM_REASON_ACCOUNT, .account = {{1, 1}}},
    };
    fm_reason_set_pauses(reason, pauses, 3);
    assert_string_equal(fm_reason_of(reason, "any:net", &other, 3), "paused");
    assert_string_equal(fm_reason_of(reason, "any:cpu", &other, 4), "paused");
    assert_string_equal(fm_reason_of(reason, "any:net", &mine, 4), "paused");
    assert_null(fm_reason_of(reason, "any:net", &other, 4));
    assert_true(fm_reason_site_is_paused(reason, 3));
    assert_true(fm_reason_pool_is_paused(reason, "any:cpu"));
    assert_true(fm_reason_account_is_paused(reason, &mine));
    assert_false(fm_reason_account_is_paused(reason, &other));
    fm_reason_destroy(&reason);
}

static void new_pauses_take_the_place_of_all_before(void **state)
{
    (void)state;
    struct fm_reason *reason = fm_reason_new();
    const struct fm_reason_pause first = {.kind = FM_REASON_SITE, .site = 3};
    fm_reason_set_pauses(reason, &first, 1);
    fm_reason_set_pauses(reason, NULL, 0);
    assert_false(fm_reason_site_is_paused(reason, 3));
    fm_reason_destroy(&reason);
}

static void a_pool_without_a_worker_is_told_where_all_are_known(void **state)
{
    (void)state;
    struct fm_reason *reason = fm_reason_new();
    const char *const pools[] = {"any:net"};
    fm_reason_set_pools(reason, pools, 1, false);
    assert_null(fm_reason_of(reason, "any:cpu", &mine, 0));
    fm_reason_set_pools(reason, pools, 1, true);
    assert_string_equal(fm_reason_of(reason, "any:cpu", &mine, 0), "no_worker");
    assert_null(fm_reason_of(reason, "any:net", &mine, 0));
    fm_reason_destroy(&reason);
}

static void an_account_at_its_cap_is_told_so(void **state)
{
    (void)state;
    struct fm_reason *reason = fm_reason_new();
    fm_reason_set_at_limit(reason, &mine, 1);
    assert_string_equal(fm_reason_of(reason, "any:net", &mine, 0), "cap");
    assert_null(fm_reason_of(reason, "any:net", &other, 0));
    fm_reason_set_at_limit(reason, NULL, 0);
    assert_null(fm_reason_of(reason, "any:net", &mine, 0));
    fm_reason_destroy(&reason);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_nobody_holds_back_has_no_reason),
        cmocka_unit_test(a_pause_holds_its_subject_and_no_other),
        cmocka_unit_test(new_pauses_take_the_place_of_all_before),
        cmocka_unit_test(a_pool_without_a_worker_is_told_where_all_are_known),
        cmocka_unit_test(an_account_at_its_cap_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
