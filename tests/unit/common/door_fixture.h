/* Three servers, what they serve, and how the tests of the door ask them. */
#ifndef FM_TESTS_UNIT_COMMON_DOOR_FIXTURE_H
#define FM_TESTS_UNIT_COMMON_DOOR_FIXTURE_H

#include "tests/unit/common/unit.h"

#include "common/clock.h"
#include "common/door.h"
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

static inline char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline char *text(const char *format, ...)
{
    char buffer[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(buffer, sizeof(buffer), format, arguments);
    va_end(arguments);
    return fm_strdup(buffer);
}

static inline char *redirect(int status, const char *location)
{
    return text("HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: 4\r\n\r\ngone", status,
                location);
}

static inline char *redirect_to(const struct server *to, const char *path)
{
    char location[128];
    snprintf(location, sizeof(location), "http://127.0.0.1:%u%s", (unsigned)to->port, path);
    return redirect(302, location);
}

static inline char *many_bytes(const char *head, size_t count, const char *tail)
{
    struct fm_text reply = {0};
    fm_text_append(&reply, head);
    for (size_t i = 0; i < count; i++) {
        fm_text_append_char(&reply, 'x');
    }
    fm_text_append(&reply, tail);
    return fm_text_take(&reply);
}

static inline void route_bodies(void)
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

static inline void route_failures(void)
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

static inline void route_redirects(void)
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

static inline int start_servers(void **state)
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

static inline int stop_servers(void **state)
{
    (void)state;
    server_stop(&server);
    server_stop(&other);
    server_stop(&inside);
    fm_text_done(&body);
    return 0;
}

/* ---- asking ---- */

static inline struct fm_door *make_door(const char *own)
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

static inline bool count_head(void *context, const struct fm_door_answer *head,
                              struct fm_error *error)
{
    (void)context;
    (void)head;
    (void)error;
    heads++;
    return true;
}

static inline bool keep_body(void *context, const char *bytes, size_t length,
                             struct fm_error *error)
{
    (void)context;
    (void)error;
    fm_text_append_bytes(&body, bytes, length);
    return true;
}

static inline bool count_tick(void *context, struct fm_error *error)
{
    (void)context;
    (void)error;
    ticks++;
    return true;
}

static inline struct fm_door_request request_of(const char *url)
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

static inline bool perform(struct fm_door *door, const struct fm_door_request *request)
{
    fm_text_clear(&body);
    answer = (struct fm_door_answer){0};
    err = (struct fm_error){0};
    heads = 0;
    ticks = 0;
    return fm_door_perform(door, request, &answer, &err);
}

static inline bool get_url(const char *url)
{
    FM_AUTO(fm_door_destroy) struct fm_door *door = make_door("");
    const struct fm_door_request request = request_of(url);
    return perform(door, &request);
}

static inline const char *url_of(const struct server *to, const char *path)
{
    static char url[256];
    snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", (unsigned)to->port, path);
    return url;
}

static inline bool get(const char *path)
{
    return get_url(url_of(&server, path));
}

static inline void expect_hello(const char *path)
{
    if (!get(path)) {
        fail_msg("%s: %s", path, err.detail);
    }
    assert_string_equal(fm_text_get(&body), "hello");
    assert_int_equal(heads, 1);
    assert_int_equal(answer.received_bytes, 5);
}

static inline void expect_failure(const char *path, enum fm_error_code code)
{
    if (get(path)) {
        fail_msg("%s succeeded", path);
    }
    if (err.code != code) {
        fail_msg("%s: %d %s", path, (int)err.code, err.detail);
    }
}

#endif
