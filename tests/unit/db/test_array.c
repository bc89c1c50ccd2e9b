/* What PostgreSQL reads as an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker/db/db.h"
#include "common/memory.h"

/* The five numbers before the elements. */
#define HEADER(type, count) "\0\0\0\1\0\0\0\0\0\0" type "\0\0\0" count "\0\0\0\1"
#define NOTHING "\xff\xff\xff\xff"

static void expect_bytes(struct fm_text *array, const char *want, size_t length)
{
    const char *parameter = NULL;
    int written = 0;
    fm_db_parameters(array, 1, &parameter, &written);
    assert_int_equal(written, length);
    assert_memory_equal(parameter, want, length);
    fm_text_done(array);
}
#define expect(array, want) expect_bytes(array, want, sizeof(want) - 1)

static void a_number_takes_the_room_of_its_type(void **state)
{
    (void)state;
    struct fm_text array = {0};
    fm_db_array_open(&array, FM_DB_BIGINT);
    fm_db_array_number(&array, INT64_MIN);
    fm_db_array_number(&array, 7);
    expect(&array, HEADER("\0\x14", "\2") "\0\0\0\x8\x80\0\0\0\0\0\0\0"
                                          "\0\0\0\x8\0\0\0\0\0\0\0\7");
    fm_db_array_open(&array, FM_DB_INTEGER);
    fm_db_array_number(&array, -2);
    expect(&array, HEADER("\0\x17", "\1") "\0\0\0\4\xff\xff\xff\xfe");
    fm_db_array_open(&array, FM_DB_SMALLINT);
    fm_db_array_number(&array, 258);
    expect(&array, HEADER("\0\x15", "\1") "\0\0\0\2\1\2");
    fm_db_array_open(&array, FM_DB_BOOLEAN);
    fm_db_array_number(&array, true);
    expect(&array, HEADER("\0\x10", "\1") "\0\0\0\1\1");
}

static void an_array_may_have_no_element_or_very_many(void **state)
{
    (void)state;
    struct fm_text array = {0};
    fm_db_array_open(&array, FM_DB_SMALLINT);
    for (int i = 0; i < 65537; i++) {
        fm_db_array_number(&array, i);
    }
    assert_memory_equal(array.data + 12, "\0\1\0\1", 4);
    fm_db_array_open(&array, FM_DB_UUID);
    expect(&array, HEADER("\xb\x86", "\0"));
}

static void what_is_missing_is_null(void **state)
{
    (void)state;
    struct fm_text array = {0};
    struct fm_id none = {0};
    fm_db_array_open(&array, FM_DB_TEXT);
    fm_db_array_text(&array, NULL);
    fm_db_array_id(&array, &none);
    fm_db_array_bytes(&array, (struct fm_slice){0});
    fm_db_array_time(&array, 0);
    expect(&array, HEADER("\0\x19", "\4") NOTHING NOTHING NOTHING NOTHING);
}

static void text_that_is_no_utf_8_is_made_so(void **state)
{
    (void)state;
    static const struct {
        const char *given, *want;
    } rows[] = {
        {"", ""},
        {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xac", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\xac"},
        {"\xc3", "?"},                /* cut off */
        {"\xc0\xaf", "??"},           /* overlong */
        {"\xed\xa0\x80", "???"},      /* a surrogate */
        {"\xf4\x90\x80\x80", "????"}, /* beyond Unicode */
        {"\xe2\x82\"", "??\""},       /* the quote is none of it */
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        struct fm_text array = {0};
        fm_db_array_open(&array, FM_DB_TEXT);
        fm_db_array_text(&array, rows[i].given);
        assert_int_equal(array.length, 24 + strlen(rows[i].want));
        assert_string_equal(array.data + 24, rows[i].want);
        fm_text_done(&array);
    }
}

static void bytes_are_as_they_are(void **state)
{
    (void)state;
    struct fm_text array = {0};
    fm_db_array_open(&array, FM_DB_BYTEA);
    fm_db_array_bytes(&array, (struct fm_slice){.data = "\x00\xff\x1a", .length = 3});
    fm_db_array_bytes(&array, (struct fm_slice){.data = "", .length = 0});
    expect(&array, HEADER("\0\x11", "\2") "\0\0\0\3\x00\xff\x1a\0\0\0\0");
}

static void times_are_microseconds_since_2000(void **state)
{
    (void)state;
    struct fm_text array = {0};
    fm_db_array_open(&array, FM_DB_TIMESTAMPTZ);
    fm_db_array_time(&array, INT64_C(946684800000000) + 258);
    expect(&array, HEADER("\4\xa0", "\1") "\0\0\0\x8\0\0\0\0\0\0\1\2");
}

static void a_text_is_no_array(void **state)
{
    (void)state;
    struct fm_text texts[2] = {{0}};
    const char *parameters[2];
    int lengths[2] = {1, 1};
    fm_text_append(&texts[1], "7");
    fm_db_parameters(texts, 2, parameters, lengths);
    assert_string_equal(parameters[0], "");
    assert_string_equal(parameters[1], "7");
    assert_int_equal(lengths[0] + lengths[1], 0);
    fm_text_done(&texts[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_takes_the_room_of_its_type),
        cmocka_unit_test(an_array_may_have_no_element_or_very_many),
        cmocka_unit_test(what_is_missing_is_null),
        cmocka_unit_test(text_that_is_no_utf_8_is_made_so),
        cmocka_unit_test(bytes_are_as_they_are),
        cmocka_unit_test(times_are_microseconds_since_2000),
        cmocka_unit_test(a_text_is_no_array),
    };
    return cmocka_run_group_tests_name("db_array", tests, NULL, NULL);
}
