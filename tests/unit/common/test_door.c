#include "tests/unit/common/unit.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/door.h"
#include "common/file.h"
#include "common/memory.h"
#include "tests/unit/common/server.h"

static struct server server; /* where requests begin */
static struct server other;  /* another origin that is allowed */
static struct server inside; /* one that no rule opens */
static struct fm_text body;
static struct fm_door_answer answer;
static struct fm_error err;
static unsigned heads;
static unsigned ticks;

/* ---- what is served ---- */

static char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *text(const char *format, ...)
{
    char buffer[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(buffer, sizeof(buffer), format, arguments);
    va_end(arguments);
    return fm_strdup(buffer);
}

static char *redirect(int status, const char *location)
{
    return text("HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: 4\r\n\r\ngone", status,
                location);
}

static char *redirect_to(const struct server *to, const char *path)
{
    char location[128];
    snprintf(location, sizeof(location), "http://127.0.0.1:%u%s", (unsigned)to->port, path);
    return redirect(302, location);
}

static char *many_bytes(const char *head, size_t count, const char *tail)
{
    struct fm_text reply = {0};
    fm_text_append(&reply, head);
    for (size_t i = 0; i < count; i++) {
        fm_text_append_char(&reply, 'x');
    }
    fm_text_append(&reply, tail);
    return fm_text_take(&reply);
}

static void route_bodies(void)
{
    server_route(&server, "/ok", CLOSE,
                 text("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: video/mp4\r\n"
                      "ETag: \"abc\"\r\nAccept-Ranges: bytes\r\n\r\nhello"));
    server_route(&server, "/kept", HOLD, text("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
    server_route(&server, "/empty", CLOSE, text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    server_route(&server, "/until-close", CLOSE, text("HTTP/1.1 200 OK\r\n\r\nhello"));
    server_route(&server, "/chunked", HOLD,
                 text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "3\r\nhel\r\n2\r\nlo\r\n0\r\nETag: late\r\n\r\n"));
    server_route(&server, "/interim", CLOSE,
                 text("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
    server_route(&server, "/short", CLOSE,
                 text("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello"));
    server_route(&server, "/long", CLOSE,
                 text("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhello"));
    server_route(&server, "/cut-chunk", CLOSE,
                 text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"));
    server_route(&server, "/cut-by-reset", RESET,
                 text("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello"));
    server_route(&server, "/two-lengths", CLOSE,
                 text("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello"));
    server_route(&server, "/large", CLOSE,
                 many_bytes("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", 100000, ""));
    server_route(&server, "/large-unknown", CLOSE,
                 many_bytes("HTTP/1.1 200 OK\r\n\r\n", 100000, ""));
    server_route(&server, "/large-head", CLOSE,
                 many_bytes("HTTP/1.1 200 OK\r\nX: ", 80000, "\r\n\r\n"));
}

static void route_failures(void)
{
    static const int statuses[] = {401, 403, 404, 410, 429, 500, 503, 304, 418};
    static char paths[FM_COUNT(statuses)][8];
    for (size_t i = 0; i < FM_COUNT(statuses); i++) {
        snprintf(paths[i], sizeof(paths[i]), "/%d", statuses[i]);
        server_route(
            &server, paths[i], CLOSE,
            text("HTTP/1.1 %d No\r\nRetry-After: 7\r\nContent-Length: %d\r\n\r\n", statuses[i], 0));
    }
    server_route(&server, "/silent", HOLD, text("%s", ""));
    server_route(&server, "/stall", HOLD,
                 text("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"));
    server_route(&server, "/reset", RESET, text("%s", ""));
    server_route(&server, "/nothing", CLOSE, text("%s", ""));
    server_route(&server, "/garbage", CLOSE, text("SSH-2.0-OpenSSH_9\r\n"));
}

static void route_redirects(void)
{
    server_route(&server, "/moved", CLOSE, redirect(301, "/ok"));
    server_route(&server, "/relative", CLOSE, redirect(307, "ok"));
    server_route(&server, "/loop", CLOSE, redirect(302, "/loop"));
    server_route(&server, "/five-1", CLOSE, redirect(302, "/five-2"));
    server_route(&server, "/five-2", CLOSE, redirect(302, "/five-3"));
    server_route(&server, "/five-3", CLOSE, redirect(303, "/five-4"));
    server_route(&server, "/five-4", CLOSE, redirect(308, "/moved"));
    server_route(&server, "/six", CLOSE, redirect(302, "/five-1"));
    server_route(&server, "/elsewhere", CLOSE, redirect_to(&other, "/ok"));
    server_route(&server, "/there-and-back", CLOSE, redirect_to(&other, "/back"));
    server_route(&server, "/to-inside", CLOSE, redirect_to(&inside, "/ok"));
    server_route(&server, "/to-file", CLOSE, redirect(302, "file:///etc/passwd"));
    server_route(&server, "/to-userinfo", CLOSE, redirect(302, "http://a:b@127.0.0.1/"));
    server_route(&server, "/to-gopher", CLOSE, redirect(302, "gopher://127.0.0.1/"));
    server_route(&other, "/ok", CLOSE, text("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
    server_route(&other, "/back", CLOSE, redirect_to(&server, "/ok"));
    server_route(&inside, "/ok", CLOSE, text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"));
}

static int start_servers(void **state)
{
    (void)state;
    /* The routes need each other's ports. */
    server_start(&inside);
    server_start(&other);
    server_start(&server);
    route_bodies();
    route_failures();
    route_redirects();
    return 0;
}

static int stop_servers(void **state)
{
    (void)state;
    server_stop(&server);
    server_stop(&other);
    server_stop(&inside);
    fm_text_done(&body);
    return 0;
}

/* ---- asking ---- */

static struct fm_door *make_door(const char *own)
{
    struct fm_address_policy policy = {0};
    char allow[64];
    snprintf(allow, sizeof(allow), "127.0.0.1/32:%u 127.0.0.1/32:%u", (unsigned)server.port,
             (unsigned)other.port);
    assert_true(fm_address_rules_parse(allow, &policy.allow, &policy.allow_count, NULL));
    assert_true(fm_address_rules_parse(own, &policy.own, &policy.own_count, NULL));
    struct fm_door *door = fm_door_new_untrusted(&policy);
    fm_address_policy_done(&policy);
    return door;
}

static bool count_head(void *context, const struct fm_door_answer *head, struct fm_error *error)
{
    (void)context;
    (void)head;
    (void)error;
    heads++;
    return true;
}

static bool keep_body(void *context, const char *bytes, size_t length, struct fm_error *error)
{
    (void)context;
    (void)error;
    fm_text_append_bytes(&body, bytes, length);
    return true;
}

static bool count_tick(void *context, struct fm_error *error)
{
    (void)context;
    (void)error;
    ticks++;
    return true;
}

static struct fm_door_request request_of(const char *url)
{
    return (struct fm_door_request){
        .method = "GET",
        .url = url,
        .max_bytes = 200000,
        .deadline_ms = fm_clock_ms() + 20000,
        .stall_ms = 10000,
        .body_fd = -1,
        .on_head = count_head,
        .on_body = keep_body,
        .on_tick = count_tick,
    };
}

static bool perform(struct fm_door *door, const struct fm_door_request *request)
{
    fm_text_clear(&body);
    answer = (struct fm_door_answer){0};
    err = (struct fm_error){0};
    heads = 0;
    ticks = 0;
    return fm_door_perform(door, request, &answer, &err);
}

static bool get_url(const char *url)
{
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    const struct fm_door_request request = request_of(url);
    return perform(door, &request);
}

static const char *url_of(const struct server *to, const char *path)
{
    static char url[256];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", (unsigned)to->port, path);
    return url;
}

static bool get(const char *path)
{
    return get_url(url_of(&server, path));
}

static void expect_hello(const char *path)
{
    if (!get(path)) {
        fail_msg("%s: %s", path, err.detail);
    }
    assert_string_equal(fm_text_get(&body), "hello");
    assert_int_equal(heads, 1);
    assert_int_equal(answer.received_bytes, 5);
}

static void expect_failure(const char *path, enum fm_error_code code)
{
    if (get(path)) {
        fail_msg("%s succeeded", path);
    }
    if (err.code != code) {
        fail_msg("%s: %d %s", path, (int)err.code, err.detail);
    }
}

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

static void a_server_that_keeps_the_connection_open_is_not_waited_for(void **state)
{
    (void)state;
    int64_t before = fm_clock_ms();
    expect_hello("/kept");
    assert_in_range(fm_clock_ms() - before, 0, 5000);
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
        assert_in_range(ticks, 2, 5);
    }
}

static void the_deadline_ends_a_request(void **state)
{
    (void)state;
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    struct fm_door_request request = request_of(url_of(&server, "/stall"));
    int64_t before = fm_clock_ms();
    request.deadline_ms = before + 250;
    assert_false(perform(door, &request));
    assert_int_equal(err.code, FM_SOURCE_TIMEOUT);
    assert_in_range(fm_clock_ms() - before, 250, 5000);
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
