/* What PostgreSQL reads as an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/db.h"

static void expect(struct fm_text *array, const char *want)
{
    fm_db_array_close(array);
    assert_string_equal(fm_text_get(array), want);
    fm_text_done(array);
}

static void elements_stand_between_commas(void **state)
{
    (void)state;
    struct fm_text array = {0};
    fm_db_array_open(&array);
    fm_db_array_integer(&array, INT64_MIN);
    fm_db_array_integer(&array, 7);
    expect(&array, "{-9223372036854775808,7}");
    fm_db_array_open(&array);
    expect(&array, "{}");
}

static void what_is_missing_is_null(void **state)
{
    (void)state;
    struct fm_text array = {0};
    struct fm_id none = {0};
    fm_db_array_open(&array);
    fm_db_array_text(&array, NULL);
    fm_db_array_id(&array, &none);
    fm_db_array_bytes(&array, (struct fm_slice){0});
    fm_db_array_time(&array, 0);
    expect(&array, "{NULL,NULL,NULL,NULL}");
}

static void text_is_quoted_so_that_it_cannot_end_its_element(void **state)
{
    (void)state;
    struct fm_text array = {0};
    fm_db_array_open(&array);
    fm_db_array_text(&array, "a\",\"b\\}{");
    fm_db_array_text(&array, "NULL");
    fm_db_array_text(&array, "");
    expect(&array, "{\"a\\\",\\\"b\\\\}{\",\"NULL\",\"\"}");
}

static void text_that_is_no_utf_8_is_made_so(void **state)
{
    (void)state;
    struct fm_text array = {0};
    fm_db_array_open(&array);
    fm_db_array_text(&array, "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xac");
    fm_db_array_text(&array, "\xc3");             /* cut off */
    fm_db_array_text(&array, "\xc0\xaf");         /* overlong */
    fm_db_array_text(&array, "\xed\xa0\x80");     /* a surrogate */
    fm_db_array_text(&array, "\xf4\x90\x80\x80"); /* beyond Unicode */
    fm_db_array_text(&array, "\xe2\x82\"");       /* the quote is none of it */
    expect(&array, "{\"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xac\",\"?\",\"??\",\"???\",\"????\","
                   "\"??\\\"\"}");
}

static void bytes_are_hex_whatever_their_number(void **state)
{
    (void)state;
    struct fm_text array = {0};
    char many[1000] = {0};
    fm_db_array_open(&array);
    fm_db_array_bytes(&array, (struct fm_slice){.data = "\x00\xff\x1a", .length = 3});
    fm_db_array_bytes(&array, (struct fm_slice){.data = "", .length = 0});
    expect(&array, "{\"\\\\x00ff1a\",\"\\\\x\"}");
    fm_db_array_open(&array);
    fm_db_array_bytes(&array, (struct fm_slice){.data = many, .length = sizeof(many)});
    fm_db_array_close(&array);
    assert_int_equal(array.length, 2 + 2 + 3 + 2 * sizeof(many));
    fm_text_done(&array);
}

static void times_are_utc_to_the_microsecond(void **state)
{
    (void)state;
    struct fm_text array = {0};
    fm_db_array_open(&array);
    fm_db_array_time(&array, 1767225599000001);
    expect(&array, "{\"2025-12-31 23:59:59.000001+00\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_stand_between_commas),
        cmocka_unit_test(what_is_missing_is_null),
        cmocka_unit_test(text_is_quoted_so_that_it_cannot_end_its_element),
        cmocka_unit_test(text_that_is_no_utf_8_is_made_so),
        cmocka_unit_test(bytes_are_hex_whatever_their_number),
        cmocka_unit_test(times_are_utc_to_the_microsecond),
    };
    return cmocka_run_group_tests_name("db_array", tests, NULL, NULL);
}
