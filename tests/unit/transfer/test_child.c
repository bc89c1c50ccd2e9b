/*
 * The real program at the other end of a channel, with a server on loopback as source and store.
 * FM_BIN_DIR is the directory of the programs.
 */
#include "tests/unit/transfer/worker.h"

#include <signal.h>
#include <sys/wait.h>

#include "common/hash.h"
#include "tests/unit/transfer/http.h"

struct bench {
    struct worker worker;
    struct http_server server;
    struct http_server inside; /* an address that the policy refuses: nothing may connect to it */
    pid_t pid;
    char origin[64];
    char inside_url[64];
    char allow[64];
    char url[128];
    atomic_int puts;
    char last_put[256]; /* path and query of the last PUT that was accepted */
};

/* ---- the script of the server: a function for each path ---- */

#define CLOSING "Connection: close\r\n\r\n"

static void serve_clip(struct bench *bench, int fd)
{
    (void)bench;
    http_send_text(fd, "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 9\r\n" CLOSING
                       "clipbytes");
}

static void serve_cut(struct bench *bench, int fd)
{
    (void)bench;
    http_send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n" CLOSING "short");
}

/* Cut short the first time, whole the second time. */
static void serve_flaky(struct bench *bench, int fd)
{
    (bench->server.connections == 1 ? serve_cut : serve_clip)(bench, fd);
}

static void serve_missing(struct bench *bench, int fd)
{
    (void)bench;
    http_send_text(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n" CLOSING "gone");
}

static void serve_empty(struct bench *bench, int fd)
{
    (void)bench;
    http_send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n" CLOSING);
}

static void serve_redirect(struct bench *bench, int fd)
{
    char head[256];
    snprintf(head, sizeof(head), "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n%s",
             bench->inside_url, CLOSING);
    http_send_text(fd, head);
}

/* 2 MiB, chunked, so that no header gives the size. */
static void serve_flood(struct bench *bench, int fd)
{
    char chunk[4096];
    (void)bench;
    memset(chunk, 'x', sizeof(chunk));
    http_send_text(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" CLOSING);
    for (size_t i = 0; i < 512; i++) {
        http_send_text(fd, "1000\r\n");
        http_send(fd, chunk, sizeof(chunk));
        http_send_text(fd, "\r\n");
    }
    http_send_text(fd, "0\r\n\r\n");
}

/* Half of the body, and the rest once the test has received PROGRESS for the first half. */
static void serve_slowly(struct bench *bench, int fd)
{
    http_send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n" CLOSING "half");
    http_wait_gate(&bench->server);
    http_send_text(fd, "more");
}

/* Refuses the first PUT to a path with "/busy", and every PUT with an old signature. */
static void answer_put(struct bench *bench, int fd, const struct http_request *request)
{
    int number = atomic_load(&bench->puts);
    const char *status = "201 Created";
    if (strstr(request->path, "/busy") != NULL && number == 0) {
        status = "503 Busy";
    } else if (strstr(request->path, "signature=old") != NULL) {
        status = "403 Expired";
    } else {
        snprintf(bench->last_put, sizeof(bench->last_put), "%s", request->path);
    }
    atomic_fetch_add(&bench->puts, 1);
    char head[128];
    snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: 0\r\n%s", status, CLOSING);
    http_send_text(fd, head);
}

static const struct {
    const char *path;
    void (*serve)(struct bench *bench, int fd);
} responses[] = {
    {"/clip.mp4", serve_clip},   {"/cut.mp4", serve_cut},   {"/flaky.mp4", serve_flaky},
    {"/empty.mp4", serve_empty}, {"/away", serve_redirect}, {"/flood.mp4", serve_flood},
    {"/slow.mp4", serve_slowly},
};

static void answer(struct http_server *server, int fd, const struct http_request *request)
{
    struct bench *bench = server->context;
    if (strcmp(request->method, "PUT") == 0) {
        answer_put(bench, fd, request);
        return;
    }
    for (size_t i = 0; i < FM_COUNT(responses); i++) {
        if (strcmp(request->path, responses[i].path) == 0) {
            responses[i].serve(bench, fd);
            return;
        }
    }
    serve_missing(bench, fd);
}

/* ---- the child ---- */

static void become_child(int channel)
{
    char path[512];
    const char *directory = getenv("FM_BIN_DIR");
    snprintf(path, sizeof(path), "%s/fetchmedia-transfer",
             directory != NULL ? directory : "build/release/bin");
    if (channel == FM_CHANNEL_CHILD_FD) {
        fcntl(channel, F_SETFD, 0);
    } else {
        dup2(channel, FM_CHANNEL_CHILD_FD);
    }
    execl(path, "fetchmedia-transfer", (char *)NULL);
    _exit(127);
}

static int start_bench(void **state)
{
    struct bench *bench = fm_alloc(sizeof(*bench));
    int ours = -1;
    int theirs = -1;
    strcpy(bench->worker.home, "/tmp/fm-test-child-XXXXXX");
    if (mkdtemp(bench->worker.home) == NULL || !fm_channel_pair(&ours, &theirs, NULL)) {
        return -1;
    }
    bench->pid = fork();
    if (bench->pid == 0) {
        become_child(theirs);
    }
    fm_file_close(&theirs);
    bench->worker.channel = fm_channel_new(ours, FM_FROM_TRANSFER);
    http_start(&bench->inside, answer, bench);
    snprintf(bench->inside_url, sizeof(bench->inside_url), "http://127.0.0.1:%u/clip.mp4",
             bench->inside.port);
    http_start(&bench->server, answer, bench);
    snprintf(bench->origin, sizeof(bench->origin), "http://127.0.0.1:%u", bench->server.port);
    snprintf(bench->allow, sizeof(bench->allow), "127.0.0.1/32:%u", bench->server.port);
    *state = bench;
    return 0;
}

/* Whatever became of the test, the child is killed by its pid and reaped. */
static int stop_bench(void **state)
{
    FM_AUTO_FREE struct bench *bench = *state;
    if (bench->pid > 0) {
        kill(bench->pid, SIGKILL);
        waitpid(bench->pid, NULL, 0);
    }
    http_stop(&bench->server);
    http_stop(&bench->inside);
    fm_channel_destroy(&bench->worker.channel);
    return fm_file_remove_tree(AT_FDCWD, bench->worker.home, NULL) ? 0 : -1;
}

/* Reads PROGRESS until the child closes the channel, then reaps it. */
static void assert_exits(struct bench *bench, int code)
{
    int status = 0;
    struct fm_line_packet packet;
    while (receive_any(&bench->worker, &packet)) {
        assert_int_equal(packet.message.type, FM_MESSAGE_PROGRESS);
        fm_line_packet_done(&packet);
    }
    assert_int_equal(waitpid(bench->pid, &status, 0), bench->pid);
    bench->pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

static const char *url_for(struct bench *bench, const char *path)
{
    snprintf(bench->url, sizeof(bench->url), "%s%s", bench->origin, path);
    return bench->url;
}

static void start_fetch(struct bench *bench, const char *path)
{
    expect_type(&bench->worker, FM_MESSAGE_READY);
    send_fetch(&bench->worker, &(struct fetch_options){.url = url_for(bench, path),
                                                       .allow = bench->allow,
                                                       .store = bench->origin});
}

static void assert_fetch_fails(struct bench *bench, const char *path, enum fm_error_code code)
{
    start_fetch(bench, path);
    expect_end(&bench->worker, code);
    assert_exits(bench, 0);
}

/* ---- fetching ---- */

static void a_source_is_fetched_and_its_file_delivered(void **state)
{
    struct bench *bench = *state;
    struct fm_line_packet packet;
    uint8_t sha256[32];
    fm_hash_sha256("movie", 5, sha256);
    start_fetch(bench, "/clip.mp4");
    expect_message(&bench->worker, FM_MESSAGE_SOURCE, &packet);
    assert_int_equal(packet.fd_count, 1);
    assert_file_holds(packet.fds[0], "clipbytes");
    assert_string_equal(packet.message.source.facts->extension, "mp4");
    fm_line_packet_done(&packet);
    expect_type(&bench->worker, FM_MESSAGE_COMPLETE);
    send_deliver(&bench->worker, "movie");
    expect_type(&bench->worker, FM_MESSAGE_WANT_UPLOAD);
    send_upload(&bench->worker, "out", url_for(bench, "/store/out?signature=new"));
    expect_message(&bench->worker, FM_MESSAGE_END, &packet);
    const struct fm_file_facts *file = packet.message.end.files.items;
    assert_int_equal(packet.message.end.error, FM_NONE);
    assert_int_equal(packet.message.end.files.count, 1);
    assert_string_equal(file->name, "out");
    assert_string_equal(file->extension, "mp4");
    assert_string_equal(file->content_type, "video/mp4");
    assert_int_equal(file->size_bytes, 5);
    assert_memory_equal(file->sha256.data, sha256, 32);
    fm_line_packet_done(&packet);
    assert_exits(bench, 0);
    assert_true(bench->worker.progress_count >= 1);
}

static void a_body_cut_short_is_tried_again_then_truncated(void **state)
{
    struct bench *bench = *state;
    assert_fetch_fails(bench, "/cut.mp4", FM_SOURCE_TRUNCATED);
    assert_int_equal(bench->server.connections, 3);
}

static void a_second_try_may_succeed(void **state)
{
    struct bench *bench = *state;
    struct fm_line_packet packet;
    start_fetch(bench, "/flaky.mp4");
    expect_message(&bench->worker, FM_MESSAGE_SOURCE, &packet);
    assert_int_equal(packet.message.source.generation, 1);
    assert_file_holds(packet.fds[0], "clipbytes");
    fm_line_packet_done(&packet);
    assert_int_equal(bench->server.connections, 2);
}

static void a_redirect_to_a_refused_address_is_not_followed(void **state)
{
    struct bench *bench = *state;
    assert_fetch_fails(bench, "/away", FM_SOURCE_BLOCKED);
    assert_int_equal(bench->server.connections, 1);
    assert_int_equal(bench->inside.connections, 0);
}

static void a_body_over_the_limit_is_too_large(void **state)
{
    struct bench *bench = *state;
    assert_fetch_fails(bench, "/flood.mp4", FM_SOURCE_TOO_LARGE);
    assert_int_equal(bench->server.connections, 1);
}

static void a_missing_source_is_not_found(void **state)
{
    struct bench *bench = *state;
    assert_fetch_fails(bench, "/nowhere", FM_SOURCE_NOT_FOUND);
    assert_int_equal(bench->server.connections, 1);
}

static void an_empty_source_holds_no_media(void **state)
{
    assert_fetch_fails(*state, "/empty.mp4", FM_NO_MEDIA_FOUND);
}

static void a_source_that_stalls_ends_with_the_deadline(void **state)
{
    struct bench *bench = *state;
    expect_type(&bench->worker, FM_MESSAGE_READY);
    send_fetch(&bench->worker, &(struct fetch_options){.url = url_for(bench, "/slow.mp4"),
                                                       .allow = bench->allow,
                                                       .time_ms = 700});
    expect_end(&bench->worker, FM_DEADLINE_EXCEEDED);
    assert_exits(bench, 0);
}

static void progress_reports_the_bytes_while_they_come(void **state)
{
    struct bench *bench = *state;
    struct fm_line_packet packet;
    start_fetch(bench, "/slow.mp4");
    do {
        expect_message(&bench->worker, FM_MESSAGE_PROGRESS, &packet);
        fm_line_packet_done(&packet);
    } while (bench->worker.progress.downloaded_bytes != 4);
    assert_int_equal(bench->worker.progress.stage, FM_STAGE_DOWNLOAD);
    assert_int_equal(bench->worker.progress.total_bytes, 8);
    assert_true(bench->worker.progress.percent > 49 && bench->worker.progress.percent < 51);
    http_open_gate(&bench->server);
    expect_message(&bench->worker, FM_MESSAGE_SOURCE, &packet);
    assert_file_holds(packet.fds[0], "halfmore");
    fm_line_packet_done(&packet);
}

/* ---- the channel ---- */

static void origins_may_come_while_it_downloads_and_after(void **state)
{
    struct bench *bench = *state;
    expect_type(&bench->worker, FM_MESSAGE_READY);
    send_fetch(&bench->worker,
               &(struct fetch_options){.url = url_for(bench, "/slow.mp4"), .allow = bench->allow});
    expect_type(&bench->worker, FM_MESSAGE_PROGRESS);
    send_origins(&bench->worker, "http://127.0.0.1:1");
    http_open_gate(&bench->server);
    expect_type(&bench->worker, FM_MESSAGE_SOURCE);
    expect_type(&bench->worker, FM_MESSAGE_COMPLETE);
    send_origins(&bench->worker, bench->origin);
    send_deliver(&bench->worker, "movie");
    expect_type(&bench->worker, FM_MESSAGE_WANT_UPLOAD);
    send_upload(&bench->worker, "out", url_for(bench, "/store/out?signature=new"));
    expect_end(&bench->worker, FM_NONE);
    assert_exits(bench, 0);
}

static void a_message_out_of_turn_ends_it_without_an_end(void **state)
{
    struct bench *bench = *state;
    expect_type(&bench->worker, FM_MESSAGE_READY);
    send_upload(&bench->worker, "out", "http://127.0.0.1:1/");
    assert_exits(bench, 1);
}

static void it_ends_when_the_worker_closes_the_channel(void **state)
{
    struct bench *bench = *state;
    int status = 0;
    expect_type(&bench->worker, FM_MESSAGE_READY);
    fm_channel_destroy(&bench->worker.channel);
    assert_int_equal(waitpid(bench->pid, &status, 0), bench->pid);
    bench->pid = 0;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void it_dumps_no_core_and_gains_no_privileges(void **state)
{
    struct bench *bench = *state;
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    char path[64];
    expect_type(&bench->worker, FM_MESSAGE_READY);
    snprintf(path, sizeof(path), "/proc/%d/status", (int)bench->pid);
    assert_true(fm_file_read(path, 65536, &text, NULL));
    assert_non_null(strstr(text.data, "NoNewPrivs:\t1"));
    snprintf(path, sizeof(path), "/proc/%d/limits", (int)bench->pid);
    assert_true(fm_file_read(path, 65536, &text, NULL));
    assert_non_null(strstr(text.data, "Max core file size        0                    0"));
}

/* ---- delivering ---- */

static void begin_delivery(struct bench *bench)
{
    start_fetch(bench, "/clip.mp4");
    expect_type(&bench->worker, FM_MESSAGE_SOURCE);
    expect_type(&bench->worker, FM_MESSAGE_COMPLETE);
    send_deliver(&bench->worker, "movie");
    expect_type(&bench->worker, FM_MESSAGE_WANT_UPLOAD);
}

static void a_busy_store_is_tried_again(void **state)
{
    struct bench *bench = *state;
    begin_delivery(bench);
    send_upload(&bench->worker, "out", url_for(bench, "/store/busy?signature=new"));
    expect_end(&bench->worker, FM_NONE);
    assert_exits(bench, 0);
    assert_int_equal(bench->puts, 2);
    assert_string_equal(bench->last_put, "/store/busy?signature=new");
}

static void an_expired_url_is_renewed(void **state)
{
    struct bench *bench = *state;
    begin_delivery(bench);
    send_upload(&bench->worker, "out", url_for(bench, "/store/out?signature=old"));
    expect_type(&bench->worker, FM_MESSAGE_WANT_UPLOAD);
    send_upload(&bench->worker, "out", url_for(bench, "/store/out?signature=new"));
    expect_end(&bench->worker, FM_NONE);
    assert_exits(bench, 0);
    assert_int_equal(bench->puts, 2);
    assert_string_equal(bench->last_put, "/store/out?signature=new");
}

static void a_store_that_moved_with_its_broker_is_found_again(void **state)
{
    struct bench *bench = *state;
    struct http_server gone;
    char url[128], place[192];
    /* A port on which no server listens any more. */
    http_start(&gone, answer, NULL);
    http_stop(&gone);
    snprintf(url, sizeof(url), "http://127.0.0.1:%u", gone.port);
    begin_delivery(bench);
    send_origins(&bench->worker, url);
    snprintf(place, sizeof(place), "%s/store/out?signature=new", url);
    send_upload(&bench->worker, "out", place);
    expect_type(&bench->worker, FM_MESSAGE_WANT_UPLOAD);
    send_origins(&bench->worker, bench->origin);
    send_upload(&bench->worker, "out", url_for(bench, "/store/out?signature=new"));
    expect_end(&bench->worker, FM_NONE);
    assert_exits(bench, 0);
    assert_int_equal(bench->puts, 1);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, start_bench, stop_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(a_source_is_fetched_and_its_file_delivered),
        ON_BENCH(a_body_cut_short_is_tried_again_then_truncated),
        ON_BENCH(a_second_try_may_succeed),
        ON_BENCH(a_redirect_to_a_refused_address_is_not_followed),
        ON_BENCH(a_body_over_the_limit_is_too_large),
        ON_BENCH(a_missing_source_is_not_found),
        ON_BENCH(an_empty_source_holds_no_media),
        ON_BENCH(a_source_that_stalls_ends_with_the_deadline),
        ON_BENCH(progress_reports_the_bytes_while_they_come),
        ON_BENCH(origins_may_come_while_it_downloads_and_after),
        ON_BENCH(a_message_out_of_turn_ends_it_without_an_end),
        ON_BENCH(it_ends_when_the_worker_closes_the_channel),
        ON_BENCH(it_dumps_no_core_and_gains_no_privileges),
        ON_BENCH(a_busy_store_is_tried_again),
        ON_BENCH(an_expired_url_is_renewed),
        ON_BENCH(a_store_that_moved_with_its_broker_is_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
