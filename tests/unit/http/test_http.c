/* The listener on a real socket, with a handler of a few lines: what MHD does to us is tested here.
 */
#include "tests/unit/common/unit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "broker/http/http.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/memory.h"

#define BODY_LIMIT 1000
#define WAIT_MS 30000 /* nothing takes that long: it hangs */
#define LONG_MS 120000
#define SLOW_MS 1200 /* longer than the second a request, or its body, has there */

/* One request's way through the handler below. */
struct visit {
    unsigned runs;
    bool has_waited;
    size_t streamed;
};

static atomic_uint ended;
static atomic_bool is_at_work;         /* the thread that promised to resume */
static struct fm_http *_Atomic beside; /* where let_sweeps_pass asks */

static void let_sweeps_pass(void);

static bool is_asked(const struct fm_http_exchange *exchange, const char *word)
{
    return strstr(fm_http_target(exchange), word) != NULL;
}

static void *resume_soon(void *exchange)
{
    fm_http_resume(exchange);
    fm_http_release(exchange);
    return NULL;
}

static void *nudge_then_resume(void *exchange)
{
    fm_http_nudge(exchange);
    let_sweeps_pass(); /* the listener's only thread has had its turn */
    atomic_store(&is_at_work, false);
    return resume_soon(exchange);
}

/* Resumed by another thread, perhaps before this one has returned. */
static void wait_for_thread(struct fm_http_exchange *exchange)
{
    pthread_t thread;
    fm_http_wait(exchange, FM_CLOCK_NEVER);
    fm_http_hold(exchange);
    atomic_store(&is_at_work, is_asked(exchange, "nudged"));
    void *(*promise)(void *) = atomic_load(&is_at_work) ? nudge_then_resume : resume_soon;
    assert_int_equal(pthread_create(&thread, NULL, promise, exchange), 0);
    pthread_detach(thread);
}

static bool count_bytes(struct fm_http_exchange *exchange, struct fm_slice bytes)
{
    struct visit *visit = fm_http_user(exchange);
    visit->streamed += bytes.length;
    return true;
}

/* Stops taking at an exclamation mark, with a reply. */
static bool stop_soon(struct fm_http_exchange *exchange, struct fm_slice bytes)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    if (memchr(bytes.data, '!', bytes.length) == NULL) {
        return true;
    }
    fm_text_append(&body, "no more");
    fm_http_header(exchange, "X-Line", "17");
    fm_http_reply(exchange, 400, &body);
    return false;
}

static bool must_wait(struct fm_http_exchange *exchange, struct visit *visit)
{
    bool is_timed = is_asked(exchange, "timed"), is_long = is_asked(exchange, "long");
    if (visit->has_waited || !(is_timed || is_long || is_asked(exchange, "wait"))) {
        return false;
    }
    visit->has_waited = true;
    if (is_timed || is_long) {
        int64_t ms = is_long ? LONG_MS : is_asked(exchange, "slow") ? SLOW_MS : 1;
        fm_http_wait(exchange, fm_clock_ms() + ms);
    } else {
        wait_for_thread(exchange);
    }
    return true;
}

static void answer(struct fm_http_exchange *exchange, const struct visit *visit)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    if (is_asked(exchange, "slow")) {
        let_sweeps_pass(); /* which may cut this connection meanwhile */
    }
    fm_text_format(&body, "runs=%u body=%zu streamed=%zu whole=%d at_work=%d", visit->runs,
                   fm_http_body(exchange).length, visit->streamed, fm_http_is_whole(exchange),
                   atomic_load(&is_at_work));
    fm_http_header(exchange, "X-Twice", "first");
    fm_http_header(exchange, "x-twice", "second");
    if (is_asked(exchange, "close")) {
        fm_http_close_after(exchange);
    }
    fm_http_reply(exchange, is_asked(exchange, "304") ? 304 : 200, &body);
}

static void answer_file(struct fm_http_exchange *exchange)
{
    char path[] = "/tmp/test_http_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    fm_http_reply_file(exchange, 206, fd, 2, 5);
}

static enum fm_http_next run(struct fm_http_exchange *exchange)
{
    struct visit *visit = fm_http_user(exchange);
    if (visit == NULL) {
        visit = fm_alloc(sizeof(*visit));
        fm_http_set_user(exchange, visit);
    }
    visit->runs++;
    if (must_wait(exchange, visit)) {
        return FM_HTTP_WAIT;
    }
    if (is_asked(exchange, "body") && !fm_http_is_received(exchange)) {
        fm_http_collect(exchange, BODY_LIMIT);
        return FM_HTTP_WAIT;
    }
    if (is_asked(exchange, "stream") && !fm_http_is_received(exchange)) {
        bool stops = is_asked(exchange, "stop");
        fm_http_stream(exchange, stops ? -1 : BODY_LIMIT, stops ? stop_soon : count_bytes);
        return FM_HTTP_WAIT;
    }
    if (is_asked(exchange, "file")) {
        answer_file(exchange);
    } else {
        answer(exchange, visit);
    }
    return FM_HTTP_REPLY;
}

static void end(struct fm_http_exchange *exchange)
{
    struct visit *visit = fm_http_user(exchange);
    fm_memory_release(&visit);
    atomic_fetch_add(&ended, 1);
}

/* ---- a client of bytes ---- */

static struct fm_http *listen_with(unsigned threads, unsigned body_s, unsigned request_s)
{
    const struct fm_http_options options = {.listen = "127.0.0.1:0",
                                            .threads = threads,
                                            .max_connections = 100,
                                            .limits = {10, body_s, 60, request_s}};
    const struct fm_http_handler handler = {NULL, run, end, NULL};
    struct fm_http *http = NULL;
    struct fm_error err = {0};
    assert_true(fm_http_open(&options, &handler, &http, &err));
    return http;
}

static int set_up(void **state)
{
    *state = listen_with(2, 30, 120);
    return 0;
}

static int tear_down(void **state)
{
    struct fm_http *http = *state;
    fm_http_close(&http);
    return 0;
}

static int connect_to(const struct fm_http *http)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(fm_http_port(http)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {WAIT_MS / 1000, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

static void send_all(int fd, const char *bytes, size_t length)
{
    assert_int_equal(send(fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

/* Sends, then reads until the other end closes, or `word` was seen. */
static void talk(const struct fm_http *http, const char *bytes, size_t length, const char *word,
                 struct fm_text *reply)
{
    int fd = connect_to(http);
    char part[4096];
    ssize_t got = 1;
    send_all(fd, bytes, length);
    while (got > 0 && (word == NULL || strstr(fm_text_get(reply), word) == NULL)) {
        got = recv(fd, part, sizeof(part), 0);
        fm_text_append_bytes(reply, part, got > 0 ? (size_t)got : 0);
    }
    close(fd);
}

/* A timed wait is ended by a sweep, the second one by another sweep than the first. */
static void let_sweeps_pass(void)
{
    static const char timed[] = "GET /timed HTTP/1.1\r\nHost: a\r\n\r\n";
    for (int i = 0; i < 2; i++) {
        FM_AUTO(fm_text_done) struct fm_text reply = {0};
        talk(atomic_load(&beside), timed, strlen(timed), "runs=2", &reply);
    }
}

static void ask(void **state, const char *request, const char *word)
{
    FM_AUTO(fm_text_done) struct fm_text reply = {0};
    talk(*state, request, strlen(request), word, &reply);
    if (strstr(fm_text_get(&reply), word) == NULL) {
        fail_msg("%s: %s", request, fm_text_get(&reply));
    }
}

/* ---- what it does ---- */

static void a_request_is_run_and_answered(void **state)
{
    ask(state, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "runs=1 body=0");
    ask(state, "POST /a HTTP/1.1\r\nHost: a\r\n\r\n", "runs=1 body=0");
    ask(state, "GET /a HTTP/1.1\r\nHost: a\r\n\r\n", "X-Twice: second\r\n");
}

static void a_wait_ends_when_it_is_resumed_from_another_thread(void **state)
{
    for (int i = 0; i < 50; i++) {
        ask(state, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n", "runs=2");
    }
}

static void a_wait_without_a_time_ends_by_who_promised_it_alone(void **state)
{
    void *lone = listen_with(1, 30, 120);
    (void)state;
    atomic_store(&beside, lone);
    ask(&lone, "GET /wait/nudged HTTP/1.1\r\nHost: a\r\n\r\n",
        "runs=2 body=0 streamed=0 whole=1 at_work=0");
    tear_down(&lone);
}

static void a_wait_ends_at_its_time(void **state)
{
    ask(state, "GET /timed HTTP/1.1\r\nHost: a\r\n\r\n", "runs=2");
}

static void a_wait_longer_than_a_request_may_take_is_not_the_clients_delay(void **state)
{
    void *brief = listen_with(2, 1, 1);
    (void)state;
    atomic_store(&beside, brief);
    ask(&brief, "GET /slow/timed HTTP/1.1\r\nHost: a\r\n\r\n", "runs=2");
    ask(&brief, "POST /slow/timed HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", "runs=2");
    tear_down(&brief);
}

static void a_body_is_collected_after_a_wait(void **state)
{
    ask(state, "POST /wait/body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "runs=3 body=5");
    ask(state,
        "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        "body=5");
}

static void a_body_may_be_taken_as_it_comes(void **state)
{
    ask(state, "PUT /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "body=0 streamed=5");
}

/* Its end need not come, and what comes is dropped until the client has read the reply. */
static void a_body_that_is_not_worth_reading_is_answered_at_once(void **state)
{
    static const char head[] = "PUT /stream/stop HTTP/1.1\r\nHost: a\r\nContent-Length: ";
    FM_AUTO(fm_text_done) struct fm_text request = {0}, reply = {0};
    fm_text_format(&request, "%s900\r\n\r\nab!", head);
    talk(*state, request.data, request.length, "no more", &reply);
    assert_true(fm_text_starts(fm_text_get(&reply), "HTTP/1.1 400 "));
    assert_non_null(strstr(fm_text_get(&reply), "Connection: close\r\nX-Line: 17\r\n"));
    fm_text_clear(&request);
    fm_text_clear(&reply);
    fm_text_format(&request, "%s900\r\n\r\nab!", head);
    for (int i = 0; i < 897; i++) {
        fm_text_append_char(&request, '!');
    }
    talk(*state, request.data, request.length, NULL, &reply); /* until it ends the connection */
    const char *first = strstr(fm_text_get(&reply), "no more");
    assert_non_null(first);
    assert_string_equal(first, "no more");
}

static void a_body_over_its_limit_is_refused_and_the_connection_ends(void **state)
{
    FM_AUTO(fm_text_done) struct fm_text request = {0};
    FM_AUTO(fm_text_done) struct fm_text reply = {0};
    fm_text_append(&request,
                   "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n");
    for (int i = 0; i < 2000; i++) {
        fm_text_append_char(&request, 'a');
    }
    talk(*state, request.data, request.length, NULL, &reply);
    assert_non_null(strstr(fm_text_get(&reply), "HTTP/1.1 413 "));
    assert_non_null(strstr(fm_text_get(&reply), "payload_too_large"));
}

static void an_early_reply_lets_the_body_pass_and_the_connection_live(void **state)
{
    ask(state,
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        "GET /304 HTTP/1.1\r\nHost: a\r\n\r\n",
        "HTTP/1.1 304 ");
}

static void a_reply_that_closes_drops_what_follows(void **state)
{
    static const char request[] =
        "POST /close HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        "GET /304 HTTP/1.1\r\nHost: a\r\n\r\n";
    FM_AUTO(fm_text_done) struct fm_text reply = {0};
    talk(*state, request, strlen(request), NULL, &reply);
    assert_non_null(strstr(fm_text_get(&reply), "HTTP/1.1 200 "));
    assert_non_null(strstr(fm_text_get(&reply), "Connection: close"));
    assert_null(strstr(fm_text_get(&reply), "HTTP/1.1 304 "));
}

static void part_of_a_file_is_sent(void **state)
{
    ask(state, "GET /file HTTP/1.1\r\nHost: a\r\n\r\n", "Content-Length: 5\r\n\r\n23456");
}

/* docs/security.md, "The HTTP gate": the library would show none of these. */
static void a_head_that_hides_bytes_is_told(void **state)
{
    static const struct {
        const char *request;
        size_t length;
        bool is_whole;
    } rows[] = {
#define ROW(text, is_whole) {text, sizeof(text) - 1, is_whole}
        ROW("GET /a?b=c HTTP/1.1\r\nHost: a\r\nX:\r\nY:  b\r\n\r\n", true),
        ROW("GET /a HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n", false),
        ROW("GET /a HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n", false),
        ROW("GET /a HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", false),
        ROW("GET /a HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", false),
        ROW("GET /a HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", false),
        ROW("GET /a\0b HTTP/1.1\r\nHost: a\r\n\r\n", false),
#undef ROW
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        FM_AUTO(fm_text_done) struct fm_text reply = {0};
        const char *word = rows[i].is_whole ? "whole=1" : "whole=0";
        talk(*state, rows[i].request, rows[i].length, "whole=", &reply);
        if (strstr(fm_text_get(&reply), word) == NULL && rows[i].is_whole) {
            fail_msg("row %zu: %s", i, fm_text_get(&reply));
        }
        assert_null(rows[i].is_whole ? NULL : strstr(fm_text_get(&reply), "whole=1"));
    }
}

static void closing_ends_timed_waits_and_every_exchange(void **state)
{
    (void)state;
    struct fm_http *http = listen_with(2, 30, 120);
    static const char request[] = "GET /long HTTP/1.1\r\nHost: a\r\n\r\n";
    unsigned before = atomic_load(&ended);
    char answered[512] = "";
    int fd = connect_to(http);
    send_all(fd, request, strlen(request));
    /* A second request answered: the first one's thread has had its turn, or has it now. */
    FM_AUTO(fm_text_done) struct fm_text reply = {0};
    static const char timed[] = "GET /timed HTTP/1.1\r\nHost: a\r\n\r\n";
    talk(http, timed, strlen(timed), "runs=2", &reply);
    fm_http_close(&http);
    assert_null(http);
    /* Its wait was over long before its time, and it had its answer. */
    assert_true(recv(fd, answered, sizeof(answered) - 1, MSG_WAITALL) > 0);
    assert_non_null(strstr(answered, "runs=2"));
    assert_true(atomic_load(&ended) > before);
    close(fd);
}

static void an_address_that_cannot_be_listened_on_is_a_setting(void **state)
{
    (void)state;
    static const char *const addresses[] = {"", "8080", "localhost:80", "127.0.0.1:x",
                                            "203.0.113.1:1"};
    const struct fm_http_handler handler = {NULL, run, end, NULL};
    for (size_t i = 0; i < FM_COUNT(addresses); i++) {
        struct fm_http_options options = {
            .listen = addresses[i], .threads = 1, .max_connections = 10};
        struct fm_http *http = NULL;
        struct fm_error err = {0};
        assert_false(fm_http_open(&options, &handler, &http, &err));
        assert_int_equal(err.code, FM_SETTING);
        assert_null(http);
    }
}

static void an_address_that_is_taken_is_named_with_the_reason(void **state)
{
    struct fm_http *first = *state, *second = NULL;
    struct fm_error err = {0};
    char taken[32];
    snprintf(taken, sizeof(taken), "127.0.0.1:%u", fm_http_port(first));
    const struct fm_http_handler handler = {NULL, run, end, NULL};
    const struct fm_http_options options = {.listen = taken, .threads = 1, .max_connections = 10};
    assert_false(fm_http_open(&options, &handler, &second, &err));
    assert_int_equal(err.code, FM_SETTING);
    assert_non_null(strstr(err.detail, taken));
    assert_non_null(strstr(err.detail, "in use"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_run_and_answered),
        cmocka_unit_test(a_wait_ends_when_it_is_resumed_from_another_thread),
        cmocka_unit_test(a_wait_without_a_time_ends_by_who_promised_it_alone),
        cmocka_unit_test(a_wait_ends_at_its_time),
        cmocka_unit_test(a_wait_longer_than_a_request_may_take_is_not_the_clients_delay),
        cmocka_unit_test(a_body_is_collected_after_a_wait),
        cmocka_unit_test(a_body_may_be_taken_as_it_comes),
        cmocka_unit_test(a_body_that_is_not_worth_reading_is_answered_at_once),
        cmocka_unit_test(a_body_over_its_limit_is_refused_and_the_connection_ends),
        cmocka_unit_test(an_early_reply_lets_the_body_pass_and_the_connection_live),
        cmocka_unit_test(a_reply_that_closes_drops_what_follows),
        cmocka_unit_test(part_of_a_file_is_sent),
        cmocka_unit_test(a_head_that_hides_bytes_is_told),
        cmocka_unit_test(closing_ends_timed_waits_and_every_exchange),
        cmocka_unit_test(an_address_that_cannot_be_listened_on_is_a_setting),
        cmocka_unit_test(an_address_that_is_taken_is_named_with_the_reason),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
