#include "tests/unit/common/unit.h"

#include "common/clock.h"
#include "common/memory.h"

static void times_are_written_as_rfc_3339_with_milliseconds(void **state)
{
    (void)state;
    char text[FM_CLOCK_TEXT_SIZE];
    fm_clock_format(INT64_C(1769860800123999), text);
    assert_string_equal(text, "2026-01-31T12:00:00.123Z");
    fm_clock_format(-1000, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
}

static void times_are_read_with_any_offset(void **state)
{
    (void)state;
    int64_t us = 0;
    assert_true(fm_clock_parse("2026-01-31T12:00:00Z", &us));
    assert_true(us == INT64_C(1769860800000000));
    assert_true(fm_clock_parse("2026-01-31T13:30:00.000001+01:30", &us));
    assert_true(us == INT64_C(1769860800000001));
    assert_true(fm_clock_parse("2026-01-31t04:00:00.5-08:00", &us));
    assert_true(us == INT64_C(1769860800500000));
    assert_true(fm_clock_parse("2024-02-29T00:00:00z", &us));
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    int64_t us = 0;
    static const char *const wrong[] = {
        "",
        "2026-01-31",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2023-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-00-01T12:00:00Z",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:61Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00.1234567Z",
        "2026-01-31T12:00:00+1:00",
        "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00Zx",
        "26-01-31T12:00:00Z",
    };
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        assert_false(fm_clock_parse(wrong[i], &us));
    }
}

static void the_time_left_is_what_poll_takes(void **state)
{
    (void)state;
    int64_t now = fm_clock_ms();
    assert_int_equal(fm_clock_left(FM_CLOCK_NEVER), -1);
    assert_int_equal(fm_clock_left(now - 1), 0);
    assert_in_range(fm_clock_left(now + 60000), 50000, 60000);
    assert_int_equal(fm_clock_left(FM_CLOCK_NEVER - 1), INT32_MAX);
    assert_true(fm_clock_ms() >= now);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_as_rfc_3339_with_milliseconds),
        cmocka_unit_test(times_are_read_with_any_offset),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(the_time_left_is_what_poll_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
