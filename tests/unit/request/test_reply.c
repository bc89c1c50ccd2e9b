#include "tests/unit/common/unit.h"

#include "broker/request/reply.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_two_documented_bodies_are_exact),
        cmocka_unit_test(an_error_names_its_parameter_and_request),
        cmocka_unit_test(what_went_wrong_inside_never_leaves),
        cmocka_unit_test(every_error_has_a_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
