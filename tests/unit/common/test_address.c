#include "tests/unit/common/unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "common/address.h"
#include "common/memory.h"

static struct fm_address parse(const char *text)
{
    struct fm_address address = {0};
    assert_true(fm_address_parse(text, &address));
    return address;
}

static bool may(const struct fm_address_policy *policy, const char *text, uint16_t port)
{
    struct fm_address address = parse(text);
    return fm_address_may_connect(policy, &address, port);
}

static struct fm_address_policy policy_of(const char *allow, const char *own)
{
    struct fm_address_policy policy = {0};
    struct fm_error err = {0};
    assert_true(fm_address_rules_parse(allow, &policy.allow, &policy.allow_count, &err));
    assert_true(fm_address_rules_parse(own, &policy.own, &policy.own_count, &err));
    return policy;
}

/* First and last address of every refused range, and neighbours that stay public. */
static void every_refused_range_is_refused_to_its_edges(void **state)
{
    (void)state;
    static const char *const inside[] = {
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.0.0",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.0",
        "192.0.0.255",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.0",
        "239.255.255.255",
        "240.0.0.0",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:10.0.0.1",
        "::ffff:7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "fc00::1",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "2001::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "4000::1",
        "1fff::1",
        "fd00:ec2::254",
    };
    for (size_t i = 0; i < FM_COUNT(inside); i++) {
        struct fm_address address = parse(inside[i]);
        if (fm_address_is_public(&address)) {
            fail_msg("%s is taken for public", inside[i]);
        }
    }
}

static void their_neighbours_are_public(void **state)
{
    (void)state;
    static const char *const outside[] = {
        "1.0.0.0",         "9.255.255.255",   "11.0.0.0",         "100.63.255.255", "100.128.0.0",
        "126.255.255.255", "128.0.0.0",       "169.253.255.255",  "172.15.255.255", "172.32.0.0",
        "192.0.1.0",       "192.167.255.255", "192.169.0.0",      "198.17.255.255", "198.20.0.0",
        "223.255.255.255", "::ffff:8.8.8.8",  "64:ff9b::808:808", "2000::1",        "2001:200::1",
        "2606:4700::1111", "2003::1",         "3ffe::1",          "2001:db7::1",
    };
    for (size_t i = 0; i < FM_COUNT(outside); i++) {
        struct fm_address address = parse(outside[i]);
        if (!fm_address_is_public(&address)) {
            fail_msg("%s is taken for private", outside[i]);
        }
    }
}

static void no_address_is_not_public(void **state)
{
    (void)state;
    struct fm_address none = {0};
    struct fm_address_policy policy = policy_of("0.0.0.0/0, ::/0", "");
    assert_false(fm_address_is_public(&none));
    assert_false(fm_address_may_connect(&policy, &none, 80));
    fm_address_policy_done(&policy);
}

static void a_wrapped_ipv4_stands_as_itself(void **state)
{
    (void)state;
    char text[FM_ADDRESS_TEXT_SIZE];
    struct fm_address address = parse("::ffff:192.168.1.2");
    fm_address_format(&address, text);
    assert_string_equal(text, "192.168.1.2");
    address = parse("64:ff9b::8.8.4.4");
    fm_address_format(&address, text);
    assert_string_equal(text, "8.8.4.4");
    address = parse("2001:DB8:0::1");
    fm_address_format(&address, text);
    assert_string_equal(text, "2001:db8::1");
}

static void sockets_addresses_are_read(void **state)
{
    (void)state;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(8080)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(81)};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct fm_address address = {0};
    uint16_t port = 0;
    inet_pton(AF_INET, "127.0.0.1", &v4.sin_addr);
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &v6.sin6_addr);
    assert_true(fm_address_from_socket((struct sockaddr *)&v4, &address, &port));
    assert_true(fm_address_is_loopback(&address));
    assert_int_equal(port, 8080);
    assert_true(fm_address_from_socket((struct sockaddr *)&v6, &address, &port));
    assert_int_equal(address.family, AF_INET);
    assert_true(fm_address_is_loopback(&address));
    assert_int_equal(port, 81);
    assert_false(fm_address_from_socket(&other, &address, &port));
}

static void public_addresses_are_reached_on_four_ports(void **state)
{
    (void)state;
    struct fm_address_policy policy = {0};
    assert_true(may(&policy, "93.184.216.34", 80));
    assert_true(may(&policy, "93.184.216.34", 443));
    assert_true(may(&policy, "93.184.216.34", 8080));
    assert_true(may(&policy, "2606:4700::1111", 8443));
    assert_false(may(&policy, "93.184.216.34", 22));
    assert_false(may(&policy, "93.184.216.34", 0));
    assert_false(may(&policy, "127.0.0.1", 80));
}

static void the_operator_opens_ranges_and_ports(void **state)
{
    (void)state;
    struct fm_address_policy policy =
        policy_of("10.0.0.0/8, 192.168.1.5:9000\n[fd00::/8]:8001", "");
    assert_true(may(&policy, "10.1.2.3", 80));
    assert_false(may(&policy, "10.1.2.3", 9000));
    assert_true(may(&policy, "192.168.1.5", 9000));
    assert_false(may(&policy, "192.168.1.5", 80));
    assert_false(may(&policy, "192.168.1.6", 9000));
    assert_true(may(&policy, "fd12::1", 8001));
    assert_false(may(&policy, "fd12::1", 80));
    assert_true(may(&policy, "::ffff:10.1.2.3", 80));
    fm_address_policy_done(&policy);
    assert_null(policy.allow);
}

static void metadata_services_stay_closed_whatever_is_opened(void **state)
{
    (void)state;
    struct fm_address_policy policy = policy_of("0.0.0.0/0 ::/0", "");
    assert_true(may(&policy, "169.254.1.1", 80));
    assert_false(may(&policy, "169.254.169.254", 80));
    assert_false(may(&policy, "168.63.129.16", 80));
    assert_false(may(&policy, "::ffff:169.254.169.254", 80));
    assert_false(may(&policy, "100.100.100.200", 80));
    assert_false(may(&policy, "fd00:ec2::254", 80));
    assert_false(may(&policy, "0.0.0.0", 80));
    assert_false(may(&policy, "::", 80));
    fm_address_policy_done(&policy);
}

static void our_own_listeners_stay_closed_whatever_is_opened(void **state)
{
    (void)state;
    struct fm_address_policy policy =
        policy_of("127.0.0.0/8:8080 127.0.0.0/8:9000 10.0.0.0/8 [::1]:8080",
                  "0.0.0.0:8080 127.0.0.1:9000 10.0.0.9");
    assert_false(may(&policy, "127.0.0.1", 8080));
    assert_false(may(&policy, "127.1.2.3", 8080));
    assert_false(may(&policy, "::1", 8080));
    assert_false(may(&policy, "127.0.0.1", 9000));
    assert_true(may(&policy, "127.0.0.2", 9000));
    assert_false(may(&policy, "10.0.0.9", 80));
    assert_true(may(&policy, "10.0.0.8", 80));
    fm_address_policy_done(&policy);
}

static void a_rule_without_a_family_means_every_local_address(void **state)
{
    (void)state;
    struct fm_address_rule own = {.port = 8080};
    struct fm_address_policy policy = policy_of("127.0.0.1:8080 127.0.0.1:8081", "");
    policy.own = &own;
    policy.own_count = 1;
    assert_false(may(&policy, "127.0.0.1", 8080));
    assert_true(may(&policy, "127.0.0.1", 8081));
    policy.own = NULL;
    fm_address_policy_done(&policy);
}

static void wrong_rules_are_refused_with_a_message(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",           "10.0.0.0/33",    "10.0.0.1/8",        "10.0.0.0/", "10.0.0.0/8:",
        "10.0.0.0:0", "10.0.0.0:65536", "localhost",         "[fd00::/8", "[fd00::/8]x",
        "fd00::/129", "10.0.0.0/8/8",   "::ffff:10.0.0.0/8", "127.1",     "[10.0.0.0/8]:0",
        "10.0.0.0/-1"};
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        struct fm_address_rule rule;
        struct fm_error err = {0};
        if (fm_address_rule_parse(wrong[i], &rule, &err)) {
            fail_msg("%s is taken", wrong[i]);
        }
        assert_int_equal(err.code, FM_INVALID_PARAMETER);
        assert_true(err.message[0] != '\0');
    }
}

static void a_wrapped_rule_is_unwrapped(void **state)
{
    (void)state;
    struct fm_address_policy policy = policy_of("::ffff:10.0.0.0/104", "");
    assert_int_equal(policy.allow[0].prefix_bits, 8);
    assert_true(may(&policy, "10.9.9.9", 80));
    fm_address_policy_done(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refused_range_is_refused_to_its_edges),
        cmocka_unit_test(their_neighbours_are_public),
        cmocka_unit_test(no_address_is_not_public),
        cmocka_unit_test(a_wrapped_ipv4_stands_as_itself),
        cmocka_unit_test(sockets_addresses_are_read),
        cmocka_unit_test(public_addresses_are_reached_on_four_ports),
        cmocka_unit_test(the_operator_opens_ranges_and_ports),
        cmocka_unit_test(metadata_services_stay_closed_whatever_is_opened),
        cmocka_unit_test(our_own_listeners_stay_closed_whatever_is_opened),
        cmocka_unit_test(a_rule_without_a_family_means_every_local_address),
        cmocka_unit_test(wrong_rules_are_refused_with_a_message),
        cmocka_unit_test(a_wrapped_rule_is_unwrapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
