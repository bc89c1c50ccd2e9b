#include "tests/unit/common/door_fixture.h"

/* ---- bodies ---- */

static void bodies_arrive_whatever_their_framing(void **state)
{
    (void)state;
    expect_hello("/ok");
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.length_bytes, 5);
    assert_string_equal(answer.content_type, "video/mp4");
    assert_string_equal(answer.etag, "\"abc\"");
    assert_string_equal(answer.file_name, "ok");
    assert_true(answer.accepts_ranges);
    expect_hello("/until-close");
    assert_int_equal(answer.length_bytes, -1);
    expect_hello("/chunked");
    assert_int_equal(answer.status, 200);
    expect_hello("/interim");
    assert_true(get("/empty"));
    assert_string_equal(fm_text_get(&body), "");
}

/* It never closes: whoever waited for that would fail as stalled. */
static void a_server_that_keeps_the_connection_open_is_not_waited_for(void **state)
{
    (void)state;
    expect_hello("/kept");
}

static void a_body_of_another_length_is_truncated(void **state)
{
    (void)state;
    expect_failure("/short", FM_SOURCE_TRUNCATED);
    expect_failure("/long", FM_SOURCE_TRUNCATED);
    expect_failure("/cut-chunk", FM_SOURCE_TRUNCATED);
    expect_failure("/cut-by-reset", FM_SOURCE_TRUNCATED);
    expect_failure("/two-lengths", FM_SOURCE_TRUNCATED);
    assert_int_equal(heads, 0);
    expect_failure("/large-head", FM_SOURCE_TRUNCATED);
}

static void a_body_over_the_limit_is_cut_off(void **state)
{
    (void)state;
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    struct fm_door_request request = request_of(url_of(&server, "/large"));
    assert_true(perform(door, &request));
    assert_int_equal(body.length, 100000);
    request.max_bytes = 99999;
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_SOURCE_TOO_LARGE);
    assert_int_equal(body.length, 0);
    request.url = url_of(&server, "/large-unknown");
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_SOURCE_TOO_LARGE);
    assert_true(body.length <= 99999);
}

static void an_unwanted_body_is_dropped(void **state)
{
    (void)state;
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    struct fm_door_request request = request_of(url_of(&server, "/ok"));
    request.max_bytes = 0;
    assert_true(perform(door, &request));
    assert_int_equal(body.length, 0);
}

static void a_head_has_no_body(void **state)
{
    (void)state;
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    struct fm_door_request request = request_of(url_of(&server, "/large"));
    request.method = "HEAD";
    request.max_bytes = 10;
    assert_true(perform(door, &request));
    assert_int_equal(answer.length_bytes, 100000);
    assert_int_equal(answer.received_bytes, 0);
}

/* ---- failures ---- */

static void statuses_become_errors(void **state)
{
    (void)state;
    expect_failure("/401", FM_SOURCE_FORBIDDEN);
    expect_failure("/403", FM_SOURCE_FORBIDDEN);
    expect_failure("/404", FM_SOURCE_NOT_FOUND);
    expect_failure("/410", FM_SOURCE_NOT_FOUND);
    expect_failure("/429", FM_SOURCE_RATE_LIMITED);
    assert_int_equal(answer.retry_after_seconds, 7);
    expect_failure("/500", FM_SOURCE_TIMEOUT);
    expect_failure("/503", FM_SOURCE_TIMEOUT);
    expect_failure("/304", FM_SOURCE_BLOCKED);
    expect_failure("/418", FM_SOURCE_BLOCKED);
    assert_int_equal(answer.status, 418);
    assert_int_equal(heads, 1);
}

static void refused_reset_and_silent_closes_look_alike(void **state)
{
    (void)state;
    expect_failure("/reset", FM_SOURCE_BLOCKED);
    expect_failure("/nothing", FM_SOURCE_BLOCKED);
    expect_failure("/garbage", FM_SOURCE_BLOCKED);
    assert_false(get_url("http://127.0.0.1:1/"));
    assert_int_equal(err.code, FM_SOURCE_BLOCKED);
    assert_false(get_url("http://no-such-name.invalid/"));
    assert_int_equal(err.code, FM_SOURCE_BLOCKED);
    assert_null(strstr(fm_error_text(&err), "invalid"));
}

static void a_source_that_stalls_times_out(void **state)
{
    (void)state;
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    static const char *const paths[] = {"/silent", "/stall"};
    for (size_t i = 0; i < FM_COUNT(paths); i++) {
        struct fm_door_request request = request_of(url_of(&server, paths[i]));
        request.stall_ms = 300;
        assert_false(perform(door, &request));
        assert_int_equal(err.code, FM_SOURCE_TIMEOUT);
        assert_in_range(ticks, 1, 50); /* the deadline would have come after 200 */
    }
}

static void the_deadline_ends_a_request(void **state)
{
    (void)state;
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    struct fm_door_request request = request_of(url_of(&server, "/stall"));
    int64_t before = fm_clock_ms();
    request.deadline_ms = before + 250;
    request.stall_ms = 60000;
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_SOURCE_TIMEOUT);
    assert_in_range(fm_clock_ms() - before, 250, 30000);
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_SOURCE_TIMEOUT);
}

static bool refuse_head(void *context, const struct fm_door_answer *head, struct fm_error *error)
{
    (void)context;
    (void)head;
    return fm_fail(error, FM_ENCRYPTED_MEDIA, "head");
}

static bool refuse_body(void *context, const char *bytes, size_t length, struct fm_error *error)
{
    (void)context;
    (void)bytes;
    (void)length;
    return fm_fail(error, FM_RESOURCE_DISK, "body");
}

static bool cancel(void *context, struct fm_error *error)
{
    (void)context;
    return ++ticks < 3 ? true : fm_fail(error, FM_CANCELED, "tick");
}

static void a_callers_refusal_ends_the_request_with_its_error(void **state)
{
    (void)state;
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    struct fm_door_request request = request_of(url_of(&server, "/ok"));
    request.on_head = refuse_head;
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_ENCRYPTED_MEDIA);
    request.on_head = NULL;
    request.on_body = refuse_body;
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_RESOURCE_DISK);
    request = request_of(url_of(&server, "/stall"));
    request.on_tick = cancel;
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_CANCELED);
    request = request_of(url_of(&server, "/ok"));
    assert_true(perform(door, &request));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_arrive_whatever_their_framing),
        cmocka_unit_test(a_server_that_keeps_the_connection_open_is_not_waited_for),
        cmocka_unit_test(a_body_of_another_length_is_truncated),
        cmocka_unit_test(a_body_over_the_limit_is_cut_off),
        cmocka_unit_test(an_unwanted_body_is_dropped),
        cmocka_unit_test(a_head_has_no_body),
        cmocka_unit_test(statuses_become_errors),
        cmocka_unit_test(refused_reset_and_silent_closes_look_alike),
        cmocka_unit_test(a_source_that_stalls_times_out),
        cmocka_unit_test(the_deadline_ends_a_request),
        cmocka_unit_test(a_callers_refusal_ends_the_request_with_its_error),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
