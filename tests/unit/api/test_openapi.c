#include "tests/unit/common/unit.h"

#include "broker/api/openapi.h"
#include "broker/api/routes.h"
#include "common/json.h"

static const struct fm_json *get(const struct fm_json *from, const char *const *names)
{
    for (; *names != NULL; names++) {
        from = fm_json_get(from, *names);
        assert_non_null(from);
    }
    return from;
}

static void the_description_lists_the_routes_fields_and_errors(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    struct fm_json *root = NULL;
    struct fm_error err = {0};
    fm_openapi_write("http://a", &text);
    assert_true(fm_json_parse((struct fm_slice){text.data, text.length}, &root, &err));
    size_t shown = 0;
    for (size_t i = 0; i < fm_routes.count; i++) {
        const char *path = fm_routes.rows[i].pattern;
        bool is_shown = fm_json_get(fm_json_get(root, "paths"), path) != NULL;
        assert_int_equal(is_shown, (fm_routes.rows[i].flags & FM_ROUTE_HIDDEN) == 0);
        bool is_first = true; /* several methods of a path stand together */
        for (size_t k = 0; k < i; k++) {
            is_first = is_first && strcmp(fm_routes.rows[k].pattern, path) != 0;
        }
        shown += is_shown && is_first ? 1 : 0;
    }
    assert_int_equal(fm_json_count(fm_json_get(root, "paths")), shown);
    assert_non_null(get(root, (const char *[]){"x-errors", "invalid_token", "status", NULL}));
    const struct fm_json *width = get(
        root, (const char *[]){"components", "schemas", "Fetch", "properties", "outputs", "items",
                               "properties", "video", "properties", "width", "maximum", NULL});
    assert_int_equal(fm_json_integer(width), 8192);
    assert_null(strstr(text.data, "/store/"));
    fm_json_destroy(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_description_lists_the_routes_fields_and_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
