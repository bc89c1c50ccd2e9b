#include "tests/unit/common/unit.h"

#include <math.h>

#include "common/json.h"
#include "common/memory.h"

static struct fm_json *parse(const char *text)
{
    struct fm_json *root = NULL;
    struct fm_error err = {0};
    assert_true(fm_json_parse(fm_slice_of(text), &root, &err));
    return root;
}

static void every_kind_is_read(void **state)
{
    (void)state;
    FM_AUTO(fm_json_destroy)
    struct fm_json *root =
        parse("{\"t\":\"x\",\"i\":-7,\"r\":1.5,\"b\":true,\"n\":null,\"a\":[1,2],\"o\":{}}");
    assert_int_equal(fm_json_kind(root), FM_JSON_OBJECT);
    assert_int_equal(fm_json_count(root), 7);
    assert_string_equal(fm_json_text(fm_json_get(root, "t")), "x");
    assert_int_equal(fm_json_integer(fm_json_get(root, "i")), -7);
    assert_true(fm_json_double(fm_json_get(root, "r")) > 1.4);
    assert_true(fm_json_double(fm_json_get(root, "i")) < -6.9);
    assert_true(fm_json_bool(fm_json_get(root, "b")));
    assert_int_equal(fm_json_kind(fm_json_get(root, "n")), FM_JSON_NULL);
    assert_int_equal(fm_json_kind(fm_json_get(root, "r")), FM_JSON_REAL);
    assert_int_equal(fm_json_count(fm_json_get(root, "a")), 2);
    assert_int_equal(fm_json_integer(fm_json_at(fm_json_get(root, "a"), 1)), 2);
}

static void what_is_missing_or_of_another_kind_reads_as_nothing(void **state)
{
    (void)state;
    FM_AUTO(fm_json_destroy) struct fm_json *root = parse("{\"i\":1}");
    assert_null(fm_json_get(root, "none"));
    assert_null(fm_json_get(fm_json_get(root, "i"), "deeper"));
    assert_null(fm_json_at(root, 0));
    assert_string_equal(fm_json_text(fm_json_get(root, "i")), "");
    assert_string_equal(fm_json_text(NULL), "");
    assert_int_equal(fm_json_integer(NULL), 0);
    assert_false(fm_json_bool(fm_json_get(root, "i")));
    assert_int_equal(fm_json_count(NULL), 0);
    assert_null(fm_json_first(NULL));
}

static void an_object_is_walked_in_its_order(void **state)
{
    (void)state;
    FM_AUTO(fm_json_destroy) struct fm_json *root = parse("{\"z\":1,\"a\":2,\"m\":3}");
    char names[8] = "";
    int64_t sum = 0;
    for (void *i = fm_json_first(root); i != NULL; i = fm_json_next(root, i)) {
        strncat(names, fm_json_name(i), 1);
        sum += fm_json_integer(fm_json_value(i));
    }
    assert_string_equal(names, "zam");
    assert_int_equal(sum, 6);
}

static void sloppy_json_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        " ",
        "{",
        "{}x",
        "{} {}",
        "{'a':1}",
        "{a:1}",
        "{\"a\":1,}",
        "[1,]",
        "[01]",
        "{\"a\":1,\"a\":2}",
        "[\"\xff\"]",
        "// x",
        "[nan]",
        "[\"\\u0000\"]",
        "[1e999]",
        "[\"\\ud800\"]",
        "[\"a\nb\"]",
    };
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        struct fm_json *root = NULL;
        struct fm_error err = {0};
        assert_false(fm_json_parse(fm_slice_of(wrong[i]), &root, &err));
        assert_int_equal(err.code, FM_INVALID_JSON);
        assert_null(root);
    }
}

static void a_byte_order_mark_is_passed_over(void **state)
{
    (void)state;
    struct fm_json *root = NULL;
    assert_true(fm_json_parse(fm_slice_of("\xef\xbb\xbf{}"), &root, NULL));
    fm_json_destroy(&root);
    assert_false(fm_json_parse(fm_slice_of("{}\xef\xbb\xbf"), &root, NULL));
}

static void a_nul_byte_is_refused(void **state)
{
    (void)state;
    struct fm_json *root = NULL;
    assert_false(fm_json_parse((struct fm_slice){"{}\0", 3}, &root, NULL));
    assert_false(fm_json_parse((struct fm_slice){"[\"a\0\"]", 6}, &root, NULL));
}

static void the_message_names_line_and_column(void **state)
{
    (void)state;
    struct fm_json *root = NULL;
    struct fm_error err = {0};
    assert_false(fm_json_parse(fm_slice_of("{\n  \"a\": x\n}"), &root, &err));
    assert_string_equal(err.message, "The body is not valid JSON: line 2, column 8");
    assert_null(strstr(err.message, "near"));
    assert_non_null(strstr(err.detail, "near"));
}

static void sixteen_levels_are_enough(void **state)
{
    (void)state;
    FM_AUTO(fm_json_destroy)
    struct fm_json *root = parse("[[[[[[[[[[[[[[[[\"[[[[ \\\" [[\"]]]]]]]]]]]]]]]]");
    struct fm_json *deep = NULL;
    struct fm_error err = {0};
    assert_false(fm_json_parse(fm_slice_of("[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"), &deep, &err));
    assert_int_equal(err.code, FM_INVALID_JSON);
}

static void the_writer_puts_the_commas(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    struct fm_json_writer writer = {.out = &text};
    fm_json_open(&writer, NULL, '{');
    fm_json_put_text(&writer, "a", "x");
    fm_json_open(&writer, "list", '[');
    fm_json_put_integer(&writer, NULL, INT64_MIN);
    fm_json_put_bool(&writer, NULL, true);
    fm_json_open(&writer, NULL, '{');
    fm_json_close(&writer, '}');
    fm_json_close(&writer, ']');
    fm_json_put_text(&writer, "none", NULL);
    fm_json_put_time(&writer, "at", 1000);
    fm_json_put_time(&writer, "never", 0);
    fm_json_put_raw(&writer, "raw", fm_slice_of("[1]"));
    fm_json_close(&writer, '}');
    assert_string_equal(text.data,
                        "{\"a\":\"x\",\"list\":[-9223372036854775808,true,{}],\"none\":null,"
                        "\"at\":\"1970-01-01T00:00:00.001Z\",\"never\":null,\"raw\":[1]}");
    FM_AUTO(fm_json_destroy) struct fm_json *root = parse(text.data);
}

static void check_text(const char *value, const char *expected)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    struct fm_json_writer writer = {.out = &text};
    fm_json_put_text(&writer, NULL, value);
    assert_string_equal(text.data, expected);
    FM_AUTO(fm_json_destroy) struct fm_json *root = parse(text.data);
}

static void texts_are_escaped_and_repaired(void **state)
{
    (void)state;
    check_text("a\"b\\c\n\x01", "\"a\\\"b\\\\c\\n\\u0001\"");
    check_text("gr\xc3\xbc\xc3\x9f \xf0\x9f\x8e\xac", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x8e\xac\"");
    check_text("\xff", "\"\xef\xbf\xbd\"");
    check_text("\xc3", "\"\xef\xbf\xbd\"");
    check_text("\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
    check_text("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
    check_text("\xf0\x9f\x8e", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void check_double(double value, const char *expected)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    struct fm_json_writer writer = {.out = &text};
    fm_json_put_double(&writer, NULL, value);
    assert_string_equal(text.data, expected);
}

static void fractions_have_at_most_three_decimals(void **state)
{
    (void)state;
    check_double(41.5, "41.5");
    check_double(0.0, "0");
    check_double(-0.0001, "0");
    check_double(-1.0625, "-1.063");
    check_double(29.97003, "29.97");
    check_double(0.005, "0.005");
    check_double(99.9996, "100");
    check_double(1e15, "1000000000000000");
    check_double(-1e19, "-10000000000000000000e0");
    check_double((double)NAN, "null");
    check_double((double)INFINITY, "null");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read),
        cmocka_unit_test(what_is_missing_or_of_another_kind_reads_as_nothing),
        cmocka_unit_test(an_object_is_walked_in_its_order),
        cmocka_unit_test(sloppy_json_is_refused),
        cmocka_unit_test(a_byte_order_mark_is_passed_over),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(the_message_names_line_and_column),
        cmocka_unit_test(sixteen_levels_are_enough),
        cmocka_unit_test(the_writer_puts_the_commas),
        cmocka_unit_test(texts_are_escaped_and_repaired),
        cmocka_unit_test(fractions_have_at_most_three_decimals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
