#include "tests/unit/common/unit.h"

#include <arpa/inet.h>

#include "broker/request/auth.h"
#include "common/memory.h"

static struct fm_address address(const char *text)
{
    struct fm_address made;
    assert_true(fm_address_parse(text, &made));
    return made;
}

static void the_scheme_may_stand_in_any_case(void **state)
{
    (void)state;
    assert_string_equal(fm_auth_bearer("Bearer sk_x"), "sk_x");
    assert_string_equal(fm_auth_bearer("bearer sk_x"), "sk_x");
    assert_string_equal(fm_auth_bearer("BEARER  sk_x"), "sk_x");
    assert_null(fm_auth_bearer("Basic sk_x"));
    assert_null(fm_auth_bearer("Bearersk_x"));
    assert_null(fm_auth_bearer(""));
}

static void a_key_in_the_query_is_seen(void **state)
{
    (void)state;
    static const char *const keys[] = {"api_key=x", "a=b&key=x",
                                       "token=",    "access_token",
                                       "KEY=1",     "url=https%3A%2F%2Fa%2F&token=x"};
    static const char *const others[] = {"", "a=key", "keys=1", "key=key_1",
                                         "url=https://a/b?x=1&token=y"};
    for (size_t i = 0; i < FM_COUNT(keys); i++) {
        assert_true(fm_auth_key_in_query(keys[i]));
    }
    for (size_t i = 0; i < FM_COUNT(others); i++) {
        assert_false(fm_auth_key_in_query(others[i]));
    }
}

static void thirty_bad_keys_close_a_network_for_the_rest_of_the_minute(void **state)
{
    (void)state;
    struct fm_auth_guard *guard = fm_auth_guard_new();
    struct fm_address bad = address("203.0.113.7"), near = address("203.0.113.250");
    struct fm_address far = address("203.0.114.7");
    for (int i = 0; i < 29; i++) {
        fm_auth_guard_count(guard, &bad, 1000);
    }
    assert_int_equal(fm_auth_guard_wait(guard, &bad, 2000), 0);
    fm_auth_guard_count(guard, &near, 2000);
    assert_int_equal(fm_auth_guard_wait(guard, &bad, 2000), 59);
    assert_int_equal(fm_auth_guard_wait(guard, &near, 60999), 1);
    assert_int_equal(fm_auth_guard_wait(guard, &far, 2000), 0);
    assert_int_equal(fm_auth_guard_wait(guard, &bad, 61000), 0);
    fm_auth_guard_count(guard, &bad, 61000);
    assert_int_equal(fm_auth_guard_wait(guard, &bad, 61000), 0);
    fm_auth_guard_destroy(&guard);
}

static void an_ipv6_network_is_a_56(void **state)
{
    (void)state;
    struct fm_auth_guard *guard = fm_auth_guard_new();
    struct fm_address bad = address("2001:470:0:100::1"), near = address("2001:470:0:1ff::2");
    struct fm_address far = address("2001:470:0:200::1");
    for (int i = 0; i < 30; i++) {
        fm_auth_guard_count(guard, &bad, 0);
    }
    assert_int_equal(fm_auth_guard_wait(guard, &near, 0), 60);
    assert_int_equal(fm_auth_guard_wait(guard, &far, 0), 0);
    fm_auth_guard_destroy(&guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_scheme_may_stand_in_any_case),
        cmocka_unit_test(a_key_in_the_query_is_seen),
        cmocka_unit_test(thirty_bad_keys_close_a_network_for_the_rest_of_the_minute),
        cmocka_unit_test(an_ipv6_network_is_a_56),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
