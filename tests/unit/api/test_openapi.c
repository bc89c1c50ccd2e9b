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

/* Every reference of the document leads to a component. */
static void check_references(const struct fm_json *root, const struct fm_json *value)
{
    static const char prefix[] = "#/components/schemas/";
    if (fm_json_kind(value) == FM_JSON_ARRAY) {
        for (size_t i = 0; i < fm_json_count(value); i++) {
            check_references(root, fm_json_at(value, i));
        }
    }
    if (fm_json_kind(value) != FM_JSON_OBJECT) {
        return;
    }
    for (void *i = fm_json_first(value); i != NULL; i = fm_json_next(value, i)) {
        const char *reference = fm_json_text(fm_json_value(i));
        if (strcmp(fm_json_name(i), "$ref") == 0) {
            assert_true(fm_text_starts(reference, prefix));
            get(root, (const char *[]){"components", "schemas", reference + strlen(prefix), NULL});
        }
        check_references(root, fm_json_value(i));
    }
}

static void every_reference_leads_somewhere(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    FM_AUTO(fm_json_destroy) struct fm_json *root = NULL;
    struct fm_error err = {0};
    fm_openapi_write("http://a", &text);
    assert_true(fm_json_parse((struct fm_slice){text.data, text.length}, &root, &err));
    check_references(root, root);
}

static const struct fm_json *list_of(const struct fm_json *root, const char *path,
                                     const char *method, const char *name)
{
    return get(root, (const char *[]){"paths", path, method, name, NULL});
}

static bool has_text(const struct fm_json *list, const char *text)
{
    for (size_t i = 0; i < fm_json_count(list); i++) {
        if (strcmp(fm_json_text(fm_json_at(list, i)), text) == 0) {
            return true;
        }
    }
    return false;
}

static void an_endpoint_names_the_errors_of_its_columns_and_its_own(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    FM_AUTO(fm_json_destroy) struct fm_json *root = NULL;
    struct fm_error err = {0};
    fm_openapi_write("http://a", &text);
    assert_true(fm_json_parse((struct fm_slice){text.data, text.length}, &root, &err));
    const struct fm_json *cancel = list_of(root, "/v1/jobs/{id}/cancel", "post", "x-errors");
    assert_true(has_text(cancel, "invalid_token"));
    assert_true(has_text(cancel, "not_found"));
    assert_true(has_text(cancel, "job_not_cancelable"));
    assert_false(has_text(cancel, "url_not_allowed"));
    assert_int_equal(fm_json_count(list_of(root, "/healthz", "get", "x-errors")), 0);
    assert_true(has_text(list_of(root, "/v1/videos", "post", "x-scopes"), "video:fetch"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_description_lists_the_routes_fields_and_errors),
        cmocka_unit_test(every_reference_leads_somewhere),
        cmocka_unit_test(an_endpoint_names_the_errors_of_its_columns_and_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
