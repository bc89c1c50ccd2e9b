#include "tests/unit/common/unit.h"

#include "common/memory.h"
#include "common/query.h"

struct parameter {
    const char *name, *value, *raw;
};

static void check(const char *text, const struct parameter *wanted, size_t count)
{
    FM_AUTO(fm_query_done) struct fm_query query;
    fm_query_init(&query, text);
    for (size_t i = 0; i < count; i++) {
        assert_true(fm_query_next(&query));
        assert_string_equal(fm_text_get(&query.name), wanted[i].name);
        assert_string_equal(fm_text_get(&query.value), wanted[i].value);
        assert_true(fm_slice_equals(query.raw, wanted[i].raw));
    }
    assert_false(fm_query_next(&query));
    assert_false(fm_query_next(&query));
}

static void parameters_come_in_order(void **state)
{
    (void)state;
    static const struct parameter wanted[] = {
        {"a", "1", "1"}, {"b", "", ""}, {"c", "", ""}, {"", "d", "d"}, {"e", "f=g", "f=g"}};
    check("a=1&b=&c&=d&e=f=g", wanted, FM_COUNT(wanted));
    check("&&a=1&&&b=&c&=d&e=f=g&", wanted, FM_COUNT(wanted));
    check("", NULL, 0);
    check("&&", NULL, 0);
}

static void names_and_values_are_decoded(void **state)
{
    (void)state;
    static const struct parameter wanted[] = {
        {"a b", "c&d=e", "c%26d%3de"}, {"f", "g h", "g+h"}, {"caf\xc3\xa9", "+", "%2B"}};
    check("a%20b=c%26d%3de&f=g+h&caf%C3%A9=%2B", wanted, FM_COUNT(wanted));
}

static void the_plus_of_a_raw_url_stays(void **state)
{
    (void)state;
    static const struct parameter wanted[] = {{"url", "http://h/a+b c", "http://h/a+b%20c"}};
    check("url=http://h/a+b%20c", wanted, FM_COUNT(wanted));
}

static void what_cannot_be_decoded_is_given_raw(void **state)
{
    (void)state;
    static const struct parameter wanted[] = {{"a%", "%zz+", "%zz+"}, {"b", "%00", "%00"}};
    check("a%=%zz+&b=%00", wanted, FM_COUNT(wanted));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_come_in_order),
        cmocka_unit_test(names_and_values_are_decoded),
        cmocka_unit_test(the_plus_of_a_raw_url_stays),
        cmocka_unit_test(what_cannot_be_decoded_is_given_raw),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
