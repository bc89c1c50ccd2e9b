#include "tests/unit/common/unit.h"

#include "common/memory.h"
#include "common/text.h"

static void text_grows_and_stays_terminated(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    assert_string_equal(fm_text_get(&text), "");
    for (int i = 0; i < 1000; i++) {
        fm_text_append_char(&text, 'a');
        assert_int_equal(text.data[text.length], 0);
    }
    fm_text_clear(&text);
    assert_string_equal(fm_text_get(&text), "");
    fm_text_format(&text, "%s-%d", "x", 7);
    fm_text_append(&text, "!");
    fm_text_append_bytes(&text, "", 0);
    assert_string_equal(text.data, "x-7!");
}

static void taking_a_text_leaves_it_empty(void **state)
{
    (void)state;
    struct fm_text text = {0};
    FM_AUTO_FREE char *empty = fm_text_take(&text);
    assert_string_equal(empty, "");
    fm_text_append(&text, "abc");
    FM_AUTO_FREE char *taken = fm_text_take(&text);
    assert_string_equal(taken, "abc");
    assert_null(text.data);
}

static void slices_and_texts_are_compared(void **state)
{
    (void)state;
    assert_true(fm_slice_equals(fm_slice_of("abc"), "abc"));
    assert_false(fm_slice_equals((struct fm_slice){"abcd", 3}, "abcd"));
    assert_true(fm_slice_equals((struct fm_slice){NULL, 0}, ""));
    assert_true(fm_text_equals_fold("Content-Type", "content-type"));
    assert_false(fm_text_equals_fold("content", "content-type"));
    assert_false(fm_text_equals_fold("[", "{"));
    assert_true(fm_text_starts("abc", "ab"));
    assert_false(fm_text_starts("a", "ab"));
}

static void whole_decimal_numbers_alone_are_numbers(void **state)
{
    (void)state;
    uint64_t number = 5;
    static const char *const wrong[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "1.0", "a", "18446744073709551616"};
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        assert_false(fm_text_to_u64(wrong[i], 0, UINT64_MAX, &number));
    }
    assert_int_equal(number, 5);
    assert_true(fm_text_to_u64("18446744073709551615", 0, UINT64_MAX, &number));
    assert_true(number == UINT64_MAX);
    assert_false(fm_text_to_u64("11", 1, 10, &number));
    assert_false(fm_text_to_u64("0", 1, 10, &number));
}

static void signed_numbers_reach_both_ends(void **state)
{
    (void)state;
    int64_t number = 0;
    assert_true(fm_text_to_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &number));
    assert_true(number == INT64_MIN);
    assert_true(fm_text_to_i64("9223372036854775807", INT64_MIN, INT64_MAX, &number));
    assert_true(number == INT64_MAX);
    assert_false(fm_text_to_i64("9223372036854775808", INT64_MIN, INT64_MAX, &number));
    assert_false(fm_text_to_i64("-", INT64_MIN, INT64_MAX, &number));
    assert_false(fm_text_to_i64("--1", INT64_MIN, INT64_MAX, &number));
    assert_false(fm_text_to_i64("-2", -1, 1, &number));
}

static void decimal_fractions_are_read(void **state)
{
    (void)state;
    double number = 0;
    static const char *const wrong[] = {"",    "nan",   "inf", "0x1p3", " 1", "1 ",
                                        "1,5", "1e999", "+1",  "-",     "."};
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        assert_false(fm_text_to_double(wrong[i], &number));
    }
    assert_true(fm_text_to_double("-1.25", &number));
    assert_true(number > -1.26 && number < -1.24);
    assert_true(fm_text_to_double("2e3", &number));
    assert_true(number > 1999 && number < 2001);
}

static void the_nearest_name_is_suggested(void **state)
{
    (void)state;
    static const char *const names[] = {"width", "height", "format"};
    assert_int_equal(fm_text_distance("kitten", "sitting", 10), 3);
    assert_int_equal(fm_text_distance("kitten", "sitting", 2), 3);
    assert_int_equal(fm_text_distance("", "abc", 5), 3);
    assert_string_equal(fm_text_nearest("widht", names, 3), "width");
    assert_string_equal(fm_text_nearest("fromat", names, 3), "format");
    assert_null(fm_text_nearest("completely", names, 3));
    assert_null(fm_text_nearest("width", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_grows_and_stays_terminated),
        cmocka_unit_test(taking_a_text_leaves_it_empty),
        cmocka_unit_test(slices_and_texts_are_compared),
        cmocka_unit_test(whole_decimal_numbers_alone_are_numbers),
        cmocka_unit_test(signed_numbers_reach_both_ends),
        cmocka_unit_test(decimal_fractions_are_read),
        cmocka_unit_test(the_nearest_name_is_suggested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
