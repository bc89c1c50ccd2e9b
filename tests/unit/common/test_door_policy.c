#include "tests/unit/common/unit.h"

#include "common/door_field.h"
#include "common/door_policy.h"
#include "common/memory.h"

static void a_wildcard_of_our_own_is_spelled_out_for_each_interface(void **state)
{
    (void)state;
    struct fm_address_policy policy = {0};
    assert_true(
        fm_address_rules_parse("0.0.0.0:8080 10.0.0.1:9", &policy.own, &policy.own_count, NULL));
    struct fm_address_policy copy = fm_door_policy_copy(&policy);
    assert_true(copy.own_count >= policy.own_count);
    assert_memory_equal(copy.own, policy.own, 2 * sizeof(*copy.own));
    for (size_t i = policy.own_count; i < copy.own_count; i++) {
        assert_int_equal(copy.own[i].port, 8080);
        assert_false(fm_address_may_connect(&copy, &copy.own[i].base, 8080));
    }
    fm_address_policy_done(&copy);
    fm_address_policy_done(&policy);
}

static void an_empty_policy_is_copied(void **state)
{
    (void)state;
    struct fm_address_policy policy = {0};
    struct fm_address_policy copy = fm_door_policy_copy(&policy);
    assert_int_equal(copy.own_count, 0);
    assert_int_equal(copy.allow_count, 0);
    fm_address_policy_done(&copy);
}

static void fields_are_sorted_by_name_whatever_their_case(void **state)
{
    (void)state;
    assert_true(fm_door_field_is_own(&(struct fm_door_header){"hOST", "x"}));
    assert_true(fm_door_field_is_own(&(struct fm_door_header){"Proxy-Authorization", "x"}));
    assert_false(fm_door_field_is_own(&(struct fm_door_header){"Authorization", "x"}));
    assert_true(fm_door_field_may_travel(&(struct fm_door_header){"RANGE", "x"}));
    assert_false(fm_door_field_may_travel(&(struct fm_door_header){"X-Api-Key", "x"}));
    assert_true(fm_door_field_is_sound(&(struct fm_door_header){"X-Key", "caf\xc3\xa9\tx"}));
    assert_false(fm_door_field_is_sound(&(struct fm_door_header){"X-Key", "a\nb"}));
    assert_false(fm_door_field_is_sound(&(struct fm_door_header){"X(Key", "a"}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wildcard_of_our_own_is_spelled_out_for_each_interface),
        cmocka_unit_test(an_empty_policy_is_copied),
        cmocka_unit_test(fields_are_sorted_by_name_whatever_their_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
