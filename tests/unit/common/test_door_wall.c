#include "tests/unit/common/door_fixture.h"

#include <sys/mman.h>

#include "common/file.h"

/* ---- the wall ---- */

static void an_address_nobody_opened_is_never_connected_to(void **state)
{
    (void)state;
    char url[128];
    static const char *const spellings[] = {
        "127.0.0.1", "127.1",      "2130706433",         "0x7f.1",          "0177.0.0.1",
        "localhost", "localhost.", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0",
        "0",         "[::]",       "[64:ff9b::7f00:1]",  "%31%32%37.0.0.1",
    };
    for (size_t i = 0; i < FM_COUNT(spellings); i++) {
        snprintf(url, sizeof(url), "http://%s:%u/ok", spellings[i], (unsigned)inside.port);
        assert_false(get_url(url));
        assert_int_equal(err.code, FM_SOURCE_BLOCKED);
    }
    expect_failure("/to-inside", FM_SOURCE_BLOCKED);
    assert_int_equal(inside.connections, 0);
}

static void an_environments_proxy_is_not_used(void **state)
{
    (void)state;
    setenv("http_proxy", url_of(&inside, ""), 1);
    setenv("all_proxy", url_of(&inside, ""), 1);
    expect_hello("/ok");
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    assert_int_equal(inside.connections, 0);
}

static void our_own_port_is_closed_even_where_it_was_opened(void **state)
{
    (void)state;
    char own[32];
    snprintf(own, sizeof(own), "0.0.0.0:%u", (unsigned)server.port);
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door(own);
    struct fm_door_request request = request_of(url_of(&server, "/ok"));
    unsigned before = server.connections;
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_SOURCE_BLOCKED);
    assert_int_equal(server.connections, before);
    request.url = url_of(&other, "/ok");
    assert_true(perform(door, &request));
}

static void what_is_no_web_address_is_an_invalid_url(void **state)
{
    (void)state;
    assert_false(get_url("file:///etc/passwd"));
    assert_int_equal(err.code, FM_INVALID_URL);
    assert_false(get_url("http://user@127.0.0.1/"));
    assert_int_equal(err.code, FM_INVALID_URL);
}

/* ---- redirects ---- */

static void five_redirects_are_followed_and_no_more(void **state)
{
    (void)state;
    expect_hello("/moved");
    expect_hello("/relative");
    expect_hello("/five-1");
    expect_failure("/six", FM_TOO_MANY_REDIRECTS);
    expect_failure("/loop", FM_TOO_MANY_REDIRECTS);
    assert_int_equal(heads, 0);
}

static void a_redirect_to_another_scheme_or_with_userinfo_is_refused(void **state)
{
    (void)state;
    expect_failure("/to-file", FM_SOURCE_BLOCKED);
    expect_failure("/to-gopher", FM_SOURCE_BLOCKED);
    expect_failure("/to-userinfo", FM_SOURCE_BLOCKED);
}

static const struct fm_door_header secrets[] = {
    {"Authorization", "Bearer s3cret"}, {"Cookie", "s3cret"},  {"X-Key", "s3cret"},
    {"Referer", "http://page.example"}, {"Range", "bytes=0-"}, {"X-Empty", ""},
};

static void secrets_stay_with_the_origin_they_were_meant_for(void **state)
{
    (void)state;
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    struct fm_door_request request = request_of(url_of(&server, "/moved"));
    request.headers = secrets;
    request.header_count = FM_COUNT(secrets);
    assert_true(perform(door, &request));
    assert_non_null(strstr(server.last_request, "Authorization: Bearer s3cret\r\n"));
    assert_non_null(strstr(server.last_request, "X-Empty:\r\n"));
    request.url = url_of(&server, "/elsewhere");
    assert_true(perform(door, &request));
    assert_null(strstr(other.last_request, "s3cret"));
    assert_non_null(strstr(other.last_request, "Referer: http://page.example\r\n"));
    assert_non_null(strstr(other.last_request, "Range: bytes=0-\r\n"));
    request.url = url_of(&server, "/there-and-back");
    assert_true(perform(door, &request));
    assert_null(strstr(server.last_request, "s3cret"));
}

/* ---- requests ---- */

static void the_doors_own_fields_are_not_the_callers(void **state)
{
    (void)state;
    static const struct fm_door_header fields[] = {
        {"Host", "inside.example"},
        {"Accept-Encoding", "gzip"},
        {"Content-Length", "9"},
        {"User-Agent", "Mine/1"},
    };
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    struct fm_door_request request = request_of(url_of(&server, "/ok"));
    request.headers = fields;
    request.header_count = FM_COUNT(fields);
    assert_true(perform(door, &request));
    assert_null(strstr(server.last_request, "inside.example"));
    assert_null(strstr(server.last_request, "gzip"));
    assert_null(strstr(server.last_request, "Content-Length"));
    assert_non_null(strstr(server.last_request, "Accept-Encoding: identity\r\n"));
    assert_non_null(strstr(server.last_request, "User-Agent: Mine/1\r\n"));
}

static void a_header_cannot_start_a_second_one(void **state)
{
    (void)state;
    static const struct fm_door_header wrong[] = {
        {"X", "a\r\nHost: b"}, {"X\r\nY", "a"}, {"", "a"}, {"X:", "a"}, {"X Y", "a"},
    };
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    struct fm_door_request request = request_of(url_of(&server, "/ok"));
    unsigned before = server.connections;
    request.header_count = 1;
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        request.headers = &wrong[i];
        assert_false(perform(door, &request));
        assert_int_equal(err.code, FM_INVALID_PARAMETER);
    }
    request.header_count = 0;
    request.method = "TRACE";
    assert_false(perform(door, &request));
    assert_int_equal(server.connections, before);
}

static int file_with(const char *bytes)
{
    int fd = memfd_create("body", MFD_CLOEXEC);
    assert_true(fm_file_write_all(fd, bytes, strlen(bytes), NULL));
    return fd;
}

static void a_file_is_sent_from_its_beginning(void **state)
{
    (void)state;
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    FM_AUTO(fm_file_close) int fd = file_with("the body");
    struct fm_door_request request = request_of(url_of(&server, "/ok"));
    static const char *const methods[] = {"PUT", "POST"};
    request.body_fd = fd;
    request.body_bytes = 8;
    for (size_t i = 0; i < FM_COUNT(methods); i++) {
        request.method = methods[i];
        assert_true(perform(door, &request));
        assert_true(fm_text_starts(server.last_request, methods[i]));
        assert_non_null(strstr(server.last_request, "Content-Length: 8\r\n"));
        assert_non_null(strstr(server.last_request, "\r\n\r\nthe body"));
        assert_null(strstr(server.last_request, "Expect"));
    }
    request.body_fd = -1;
    assert_true(perform(door, &request));
    assert_non_null(strstr(server.last_request, "Content-Length: 0\r\n"));
}

static void a_file_shorter_than_told_is_an_error(void **state)
{
    (void)state;
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    FM_AUTO(fm_file_close) int fd = file_with("the body");
    struct fm_door_request request = request_of(url_of(&server, "/ok"));
    request.method = "PUT";
    request.body_fd = fd;
    request.body_bytes = 9;
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_SYSTEM);
}

static void a_post_is_not_redirected(void **state)
{
    (void)state;
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    struct fm_door_request request = request_of(url_of(&server, "/moved"));
    request.method = "POST";
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_SOURCE_BLOCKED);
    assert_int_equal(answer.status, 301);
}

/* ---- the store door ---- */

static void the_store_door_knows_its_origins_alone(void **state)
{
    (void)state;
    char origin[64];
    const char *origins[] = {origin, "not an origin"};
    snprintf(origin, sizeof(origin), "HTTP://127.0.0.1:%u/", (unsigned)server.port);
    FM_AUTO(fm_door_destroy) struct fm_door *door = fm_door_new_store(origins, 2, NULL);
    struct fm_door_request request = request_of(url_of(&server, "/ok"));
    assert_true(perform(door, &request));
    request.url = url_of(&server, "/moved");
    assert_false(perform(door, &request));
    assert_int_equal(answer.status, 301);
    request.url = url_of(&other, "/ok");
    unsigned before = other.connections;
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_SOURCE_BLOCKED);
    request.url = "http://93.184.216.34/";
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_SOURCE_BLOCKED);
    assert_int_equal(other.connections, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_nobody_opened_is_never_connected_to),
        cmocka_unit_test(an_environments_proxy_is_not_used),
        cmocka_unit_test(our_own_port_is_closed_even_where_it_was_opened),
        cmocka_unit_test(what_is_no_web_address_is_an_invalid_url),
        cmocka_unit_test(five_redirects_are_followed_and_no_more),
        cmocka_unit_test(a_redirect_to_another_scheme_or_with_userinfo_is_refused),
        cmocka_unit_test(secrets_stay_with_the_origin_they_were_meant_for),
        cmocka_unit_test(the_doors_own_fields_are_not_the_callers),
        cmocka_unit_test(a_header_cannot_start_a_second_one),
        cmocka_unit_test(a_file_is_sent_from_its_beginning),
        cmocka_unit_test(a_file_shorter_than_told_is_an_error),
        cmocka_unit_test(a_post_is_not_redirected),
        cmocka_unit_test(the_store_door_knows_its_origins_alone),
    };
    return cmocka_run_group_tests(tests, start_servers, stop_servers);
}
