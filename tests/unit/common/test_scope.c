#include "tests/unit/common/unit.h"

#include "common/memory.h"
#include "common/scope.h"

#define BOTH (FM_SCOPE_FETCH | FM_SCOPE_PROCESS)

/* They are stored with every key. */
static void the_bits_are_for_ever(void **state)
{
    (void)state;
    assert_int_equal(FM_SCOPE_FETCH, 1);
    assert_int_equal(FM_SCOPE_PROCESS, 2);
    assert_int_equal(FM_SCOPE_OPERATOR, 4);
}

static void a_set_is_written_as_it_is_read(void **state)
{
    (void)state;
    static const struct {
        unsigned scopes;
        const char *text;
    } rows[] = {
        {FM_SCOPE_FETCH, "video:fetch"},
        {BOTH, "video:fetch,video:process"},
        {FM_SCOPE_FETCH | FM_SCOPE_OPERATOR, "video:fetch,operator"},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        FM_AUTO(fm_text_done) struct fm_text text = {0};
        unsigned scopes = 0;
        fm_scope_format(rows[i].scopes, ",", &text);
        assert_string_equal(fm_text_get(&text), rows[i].text);
        assert_true(fm_scope_parse(rows[i].text, &scopes, NULL));
        assert_int_equal(scopes, rows[i].scopes);
    }
}

static void a_name_in_any_place_counts_once(void **state)
{
    (void)state;
    unsigned scopes = 0;
    assert_true(fm_scope_parse("video:process,video:fetch,video:process", &scopes, NULL));
    assert_int_equal(scopes, BOTH);
}

static void what_is_no_scope_is_refused_with_the_list(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "video",
                                        "video:fetch,",
                                        ",video:fetch",
                                        "video:fetch ",
                                        "Video:fetch",
                                        "video:fetch,all"};
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        struct fm_error err = {0};
        unsigned scopes = FM_SCOPE_OPERATOR;
        assert_false(fm_scope_parse(wrong[i], &scopes, &err));
        assert_int_equal(err.code, FM_INVALID_REQUEST);
        assert_non_null(strstr(err.detail, "the scopes are video:fetch, video:process, operator"));
        assert_int_equal(scopes, FM_SCOPE_OPERATOR);
    }
}

static void the_first_scope_missing_is_named(void **state)
{
    (void)state;
    struct fm_error err = {0};
    assert_true(fm_scope_check(0, 0, &err));
    assert_true(fm_scope_check(BOTH, FM_SCOPE_PROCESS, &err));
    assert_false(fm_scope_check(FM_SCOPE_FETCH, BOTH, &err));
    assert_int_equal(err.code, FM_INSUFFICIENT_SCOPE);
    assert_string_equal(fm_error_text(&err), "This needs an API key with the scope video:process");
    assert_string_equal(fm_scope_name(BOTH), "video:fetch");
    assert_string_equal(fm_scope_name(0), "");
}

static void json_lists_the_names(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    struct fm_json_writer json = {.out = &text};
    fm_scope_put(&json, FM_SCOPE_PROCESS | FM_SCOPE_OPERATOR);
    assert_string_equal(fm_text_get(&text), "\"scopes\":[\"video:process\",\"operator\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bits_are_for_ever),
        cmocka_unit_test(a_set_is_written_as_it_is_read),
        cmocka_unit_test(a_name_in_any_place_counts_once),
        cmocka_unit_test(what_is_no_scope_is_refused_with_the_list),
        cmocka_unit_test(the_first_scope_missing_is_named),
        cmocka_unit_test(json_lists_the_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
