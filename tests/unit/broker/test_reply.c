#include "tests/unit/common/unit.h"

#include "broker/openapi.h"
#include "broker/reply.h"
#include "broker/routes.h"
#include "common/json.h"

static void write_body(const struct fm_error *err, unsigned seconds, struct fm_text *out)
{
    fm_reply_error_body(err, "req_1", "http://a", seconds, out);
}

static void the_two_documented_bodies_are_exact(void **state)
{
    (void)state;
    struct fm_error err = {.code = FM_INVALID_TOKEN, .detail = "auth: unknown"};
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    write_body(&err, 0, &body);
    assert_string_equal(
        body.data,
        "{\"error\":{\"code\":\"invalid_token\",\"message\":\"Invalid or expired API key\"}}");
    fm_text_clear(&body);
    err.code = FM_RATE_LIMIT_EXCEEDED;
    write_body(&err, 60, &body);
    assert_string_equal(body.data, "{\"error\":{\"code\":\"rate_limit_exceeded\",\"message\":\"Too "
                                   "many requests. Retry after 60 seconds\",\"retry_after\":60}}");
}

static void an_error_names_its_parameter_and_request(void **state)
{
    (void)state;
    struct fm_error err = {0};
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    fm_fail_param(&err, FM_INVALID_PARAMETER, "outputs[0].video.width", "too \"wide\"");
    write_body(&err, 0, &body);
    assert_string_equal(
        body.data, "{\"error\":{\"code\":\"invalid_parameter\",\"message\":\"too \\\"wide\\\"\","
                   "\"param\":\"outputs[0].video.width\",\"request_id\":\"req_1\","
                   "\"doc_url\":\"http://a/openapi.json#/x-errors/invalid_parameter\"}}");
}

static void what_went_wrong_inside_never_leaves(void **state)
{
    (void)state;
    static const struct {
        enum fm_error_code code;
        unsigned status;
        const char *public_code;
    } rows[] = {
        {FM_DATABASE, 503, "\"unavailable\""},
        {FM_SYSTEM, 500, "\"internal_error\""},
        {FM_DATABASE_UNCERTAIN, 503, "\"unavailable\""},
        {FM_PROTOCOL, 500, "\"internal_error\""},
        {FM_SETTING, 500, "\"internal_error\""},
        {FM_RESOURCE_DISK, 500, "\"internal_error\""},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        struct fm_error err = {.code = rows[i].code,
                               .detail = "SELECT /var/lib secret",
                               .message = "SELECT /var/lib secret"};
        FM_AUTO(fm_text_done) struct fm_text body = {0};
        write_body(&err, 0, &body);
        assert_int_equal(fm_reply_status(err.code), rows[i].status);
        assert_non_null(strstr(body.data, rows[i].public_code));
        assert_null(strstr(body.data, "secret"));
    }
}

static void every_error_has_a_status(void **state)
{
    (void)state;
    for (enum fm_error_code code = FM_NONE; code <= FM_CANCELED; code++) {
        unsigned status = fm_reply_status(code);
        assert_true(status >= 400 && status < 600);
    }
}

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
        cmocka_unit_test(the_two_documented_bodies_are_exact),
        cmocka_unit_test(an_error_names_its_parameter_and_request),
        cmocka_unit_test(what_went_wrong_inside_never_leaves),
        cmocka_unit_test(every_error_has_a_status),
        cmocka_unit_test(the_description_lists_the_routes_fields_and_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
