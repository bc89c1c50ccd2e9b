#include "tests/unit/common/unit.h"

#include "broker/request/client_address.h"
#include "common/memory.h"

static void check(const char *trusted, const char *peer, const char *forwarded,
                  const char *expected)
{
    FM_AUTO(fm_client_address_proxies_done) struct fm_client_address_proxies proxies;
    struct fm_address address;
    char text[FM_ADDRESS_TEXT_SIZE];
    assert_true(fm_client_address_proxies_read(trusted, &proxies, NULL));
    assert_true(fm_address_parse(peer, &address));
    struct fm_address client = fm_client_address_find(&proxies, &address, forwarded);
    fm_address_format(&client, text);
    assert_string_equal(text, expected);
}

static void a_trusted_proxy_says_who_asks(void **state)
{
    (void)state;
    check("127.0.0.0/8, ::1", "127.0.0.1", "198.51.100.7", "198.51.100.7");
    check("127.0.0.0/8, ::1", "::1", "2001:db8::7", "2001:db8::7");
    check("127.0.0.0/8", "127.0.0.1", NULL, "127.0.0.1");
    check("127.0.0.0/8", "127.0.0.1", "", "127.0.0.1");
}

static void nobody_else_does(void **state)
{
    (void)state;
    check("", "127.0.0.1", "198.51.100.7", "127.0.0.1");
    check("127.0.0.0/8", "203.0.113.9", "198.51.100.7", "203.0.113.9");
}

static void what_a_client_wrote_before_it_is_not_believed(void **state)
{
    (void)state;
    check("127.0.0.0/8", "127.0.0.1", "10.0.0.1, 198.51.100.7", "198.51.100.7");
    check("127.0.0.0/8, 10.0.0.0/8", "127.0.0.1", "1.2.3.4,198.51.100.7 , 10.0.0.1",
          "198.51.100.7");
}

static void what_is_no_address_ends_the_walk(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "unknown",   ",",
        " ",         "198.51.100.7, _hidden",
        "1.2.3.4.5", "0123456789012345678901234567890123456789012345678901"};
    for (size_t i = 0; i < FM_COUNT(odd); i++) {
        check("127.0.0.0/8", "127.0.0.1", odd[i], "127.0.0.1");
    }
}

static void a_malformed_list_is_refused(void **state)
{
    (void)state;
    struct fm_client_address_proxies proxies;
    struct fm_error err = {0};
    assert_false(fm_client_address_proxies_read("127.0.0.1, proxy.example", &proxies, &err));
    assert_int_equal(err.code, FM_SETTING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trusted_proxy_says_who_asks),
        cmocka_unit_test(nobody_else_does),
        cmocka_unit_test(what_a_client_wrote_before_it_is_not_believed),
        cmocka_unit_test(what_is_no_address_ends_the_walk),
        cmocka_unit_test(a_malformed_list_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
