#include "tests/unit/common/unit.h"

#include "common/memory.h"
#include "common/utf8.h"

#define NONE FM_UTF8_NO_CONTROLS
#define ALL FM_UTF8_ALL_CONTROLS

static bool is_valid(const char *text, unsigned controls)
{
    return fm_utf8_is_valid(fm_slice_of(text), controls);
}

static void the_first_and_last_of_each_length_are_characters(void **state)
{
    (void)state;
    static const char *const edges[] = {
        "\x01",
        "\x7f", /* U+0001, U+007F */
        "\xc2\x80",
        "\xdf\xbf", /* U+0080, U+07FF */
        "\xe0\xa0\x80",
        "\xed\x9f\xbf", /* U+0800, U+D7FF */
        "\xee\x80\x80",
        "\xef\xbf\xbf", /* U+E000, U+FFFF */
        "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf", /* U+10000, U+10FFFF */
    };
    for (size_t i = 0; i < FM_COUNT(edges); i++) {
        size_t length = strlen(edges[i]);
        assert_int_equal(fm_utf8_measure(edges[i], length, ALL), length);
        assert_true(is_valid(edges[i], ALL));
    }
}

static void what_the_standard_forbids_is_no_character(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "\x80",
        "\xbf", /* a tail alone */
        "\xc0\x80",
        "\xc1\xbf", /* overlong: U+0000, U+007F */
        "\xe0\x80\x80",
        "\xe0\x9f\xbf", /* overlong: U+0000, U+07FF */
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf", /* overlong: U+0000, U+FFFF */
        "\xed\xa0\x80",
        "\xed\xbf\xbf", /* surrogates: U+D800, U+DFFF */
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", /* above U+10FFFF */
        "\xf8\x88\x80\x80",
        "\xfe",
        "\xff",
        "\xc3(",
        "\xe2\x82(",
        "\xf0\x9f\x8e(", /* a tail that ends early */
    };
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        assert_int_equal(fm_utf8_measure(wrong[i], strlen(wrong[i]), ALL), 0);
        assert_false(is_valid(wrong[i], ALL));
    }
}

static void nothing_behind_the_end_is_read(void **state)
{
    (void)state;
    static const char whole[] = "\xf0\x9f\x8e\xac";
    for (size_t left = 0; left < 4; left++) {
        /* The cut character ends where its allocation ends, which a sanitizer watches. */
        FM_AUTO_FREE char *space = fm_alloc(left + 1);
        memcpy(space + 1, whole, left);
        assert_int_equal(fm_utf8_measure(space + 1, left, ALL), 0);
    }
    assert_int_equal(fm_utf8_measure(whole, 4, ALL), 4);
    assert_true(fm_utf8_is_valid((struct fm_slice){whole, 0}, NONE));
    assert_true(fm_utf8_is_valid((struct fm_slice){0}, NONE));
}

static void the_caller_says_which_controls_may_stand(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned allowed; /* each of these bits lets the text through */
    } rows[] = {
        {"\t", FM_UTF8_TAB_LF | FM_UTF8_C0},
        {"\n", FM_UTF8_TAB_LF | FM_UTF8_C0},
        {"\x01", FM_UTF8_C0},
        {"\r", FM_UTF8_C0},
        {"\x1b", FM_UTF8_C0},
        {"\x1f", FM_UTF8_C0},
        {"\x7f", FM_UTF8_C0},
        {"\xc2\x80", FM_UTF8_C1},
        {"\xc2\x85", FM_UTF8_C1},
        {"\xc2\x9f", FM_UTF8_C1},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        for (unsigned controls = 0; controls < 8; controls++) {
            assert_int_equal(is_valid(rows[i].text, controls), (controls & rows[i].allowed) != 0);
        }
    }
    assert_true(is_valid(" ~\xc2\xa0\xe2\x80\xa8", NONE));
}

static void nul_is_never_a_character(void **state)
{
    (void)state;
    assert_int_equal(fm_utf8_measure("", 1, ALL | FM_UTF8_TAB_LF), 0);
    assert_false(fm_utf8_is_valid((struct fm_slice){"a\0b", 3}, ALL | FM_UTF8_TAB_LF));
}

static void check_cleaned(const char *given, unsigned controls, const char *wanted)
{
    FM_AUTO_FREE char *text = fm_strdup(given);
    fm_utf8_clean(text, controls);
    assert_string_equal(text, wanted);
}

static void cleaning_is_byte_for_byte(void **state)
{
    (void)state;
    check_cleaned("", NONE, "");
    check_cleaned("caf\xc3\xa9 \xf0\x9f\x8e\xac", NONE, "caf\xc3\xa9 \xf0\x9f\x8e\xac");
    check_cleaned("latin \xe9", NONE, "latin ?");
    check_cleaned("cut \xe2\x82", NONE, "cut ??");
    check_cleaned("\xe2\x82\"", NONE, "??\"");
    check_cleaned("overlong \xc0\xaf \xe0\x80\xaf", NONE, "overlong ?? ???");
    check_cleaned("surrogate \xed\xa0\x80", NONE, "surrogate ???");
    check_cleaned("beyond \xf4\x90\x80\x80", NONE, "beyond ????");
    check_cleaned("tab\tline\n\x7f", NONE, "tab?line??");
    check_cleaned("tab\tline\n\x7f", FM_UTF8_TAB_LF, "tab\tline\n?");
    check_cleaned("tab\tline\n\x7f", FM_UTF8_C0, "tab\tline\n\x7f");
    check_cleaned("c1 \xc2\x9b", NONE, "c1 ??");
    check_cleaned("c1 \xc2\x9b", FM_UTF8_C1, "c1 \xc2\x9b");
}

static void to_ascii_nothing_else_stays(void **state)
{
    (void)state;
    char text[] = " a~\x7f\x1f\n caf\xc3\xa9 \xff";
    fm_utf8_clean_ascii(text);
    assert_string_equal(text, " a~??? caf?? ?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_and_last_of_each_length_are_characters),
        cmocka_unit_test(what_the_standard_forbids_is_no_character),
        cmocka_unit_test(nothing_behind_the_end_is_read),
        cmocka_unit_test(the_caller_says_which_controls_may_stand),
        cmocka_unit_test(nul_is_never_a_character),
        cmocka_unit_test(cleaning_is_byte_for_byte),
        cmocka_unit_test(to_ascii_nothing_else_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
