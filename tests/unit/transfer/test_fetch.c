/* The facts a response gives, and a whole fetch in this process, from a server on loopback. */
#include "tests/unit/transfer/worker.h"

#include "common/clock.h"
#include "tests/unit/transfer/http.h"
#include "worker/transfer/fetch.h"

struct named {
    const char *file_name;
    const char *content_type;
    const char *extension;
    const char *title;
};

static void the_response_gives_title_and_extension(void **state)
{
    (void)state;
    static const struct named rows[] = {
        {"Holiday.MP4", "application/octet-stream", "mp4", "Holiday"},
        {"download.php", "video/mp4; codecs=avc1", "mp4", "download"},
        {"clip", "Video/WebM", "webm", "clip"},
        {"talk.mp3", "audio/ogg", "mp3", "talk"},
        {"archive.tar.xz", "", "xz", "archive.tar"},
        {"notes.verylongone", "", "", "notes.verylongone"},
        {"caf\xc3\xa9.m4a", "", "m4a", "caf\xc3\xa9"},
        {"bad\x01\xff.mov", "", "mov", "bad??"},
        {".mp4", "", "", ".mp4"},
        {"dot.", "", "", "dot."},
        {"odd.m-4", "", "", "odd.m-4"},
        {"", "image/jpeg", "jpg", ""},
        {"", "", "", ""},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        struct fm_door_answer answer = {.status = 200};
        struct fm_fetch_facts facts;
        snprintf(answer.file_name, sizeof(answer.file_name), "%s", rows[i].file_name);
        snprintf(answer.content_type, sizeof(answer.content_type), "%s", rows[i].content_type);
        fm_fetch_describe(&answer, &facts);
        assert_string_equal(facts.extension, rows[i].extension);
        assert_string_equal(facts.title, rows[i].title);
        assert_string_equal(facts.content_type, rows[i].content_type);
    }
}

/* ---- a whole fetch, in this process ---- */

struct bench {
    struct worker worker;
    struct fm_line line;
    struct http_server server;
    char url[128];
    char allow[64];
};

static void serve_clip(struct http_server *server, int fd, const struct http_request *request)
{
    (void)server;
    (void)request;
    http_send_text(fd, "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 9\r\n"
                       "Connection: close\r\n\r\nclipbytes");
}

static int open_bench(void **state)
{
    struct bench *bench = fm_alloc(sizeof(*bench));
    int ours = -1;
    int theirs = -1;
    strcpy(bench->worker.home, "/tmp/fm-test-fetch-XXXXXX");
    if (mkdtemp(bench->worker.home) == NULL || !fm_channel_pair(&ours, &theirs, NULL)) {
        return -1;
    }
    bench->worker.channel = fm_channel_new(ours, FM_FROM_TRANSFER);
    fm_line_init(&bench->line, theirs);
    http_start(&bench->server, serve_clip, NULL);
    snprintf(bench->url, sizeof(bench->url), "http://127.0.0.1:%u/a/Clip%%201.mp4?token=x",
             bench->server.port);
    snprintf(bench->allow, sizeof(bench->allow), "127.0.0.1/32:%u", bench->server.port);
    *state = bench;
    return 0;
}

static int close_bench(void **state)
{
    FM_AUTO_FREE struct bench *bench = *state;
    http_stop(&bench->server);
    fm_line_done(&bench->line);
    fm_channel_destroy(&bench->worker.channel);
    return fm_file_remove_tree(AT_FDCWD, bench->worker.home, NULL) ? 0 : -1;
}

/* Does with a FETCH what main does. */
static bool run_fetch(struct bench *bench, const struct fetch_options *options,
                      struct fm_error *err)
{
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_line_packet_done) struct fm_line_packet packet = {0};
    struct fm_spec spec;
    send_fetch(&bench->worker, options);
    assert_true(fm_line_expect(&bench->line, FM_MESSAGE_FETCH, &packet, NULL));
    assert_true(fm_line_apply_fetch(&bench->line, &packet.message.fetch, NULL));
    assert_true(fm_spec_read(packet.message.fetch.spec, &arena, &spec, NULL));
    return fm_fetch_run(&bench->line, &packet.message.fetch, &spec, err);
}

static void source_and_complete_are_sent_with_the_bytes(void **state)
{
    struct bench *bench = *state;
    struct fm_line_packet packet;
    assert_true(
        run_fetch(bench, &(struct fetch_options){.url = bench->url, .allow = bench->allow}, NULL));
    expect_message(&bench->worker, FM_MESSAGE_SOURCE, &packet);
    const struct fm_source_facts *facts = packet.message.source.facts;
    assert_int_equal(packet.message.source.generation, 1);
    assert_non_null(facts);
    assert_string_equal(facts->content_type, "video/mp4");
    assert_string_equal(facts->extension, "mp4");
    assert_string_equal(facts->title, "Clip 1");
    assert_string_equal(facts->webpage_url, bench->url);
    assert_int_equal(facts->size_bytes, 9);
    assert_int_equal(packet.fd_count, 1);
    assert_file_holds(packet.fds[0], "clipbytes");
    assert_int_equal(write(packet.fds[0], "x", 1), -1);
    fm_line_packet_done(&packet);
    expect_message(&bench->worker, FM_MESSAGE_COMPLETE, &packet);
    assert_int_equal(packet.message.complete.generation, 1);
    assert_int_equal(packet.message.complete.size_bytes, 9);
    fm_line_packet_done(&packet);
}

static void a_link_to_a_site_needs_a_resolver(void **state)
{
    struct bench *bench = *state;
    struct fm_error err;
    const struct fetch_options options = {
        .url = bench->url, .allow = bench->allow, .site = FM_SITE_TIKTOK};
    assert_false(run_fetch(bench, &options, &err));
    assert_int_equal(err.code, FM_RESOLVER_UNAVAILABLE);
    assert_int_equal(bench->server.connections, 0);
}

static void an_address_that_is_not_allowed_is_never_connected_to(void **state)
{
    struct bench *bench = *state;
    struct fm_error err;
    assert_false(run_fetch(bench, &(struct fetch_options){.url = bench->url}, &err));
    assert_int_equal(err.code, FM_SOURCE_BLOCKED);
    assert_int_equal(bench->server.connections, 0);
}

static void our_own_address_is_refused_whatever_is_allowed(void **state)
{
    struct bench *bench = *state;
    struct fm_error err;
    char own[64];
    snprintf(own, sizeof(own), "0.0.0.0:%u", bench->server.port);
    assert_false(run_fetch(
        bench, &(struct fetch_options){.url = bench->url, .allow = bench->allow, .own = own},
        &err));
    assert_int_equal(err.code, FM_SOURCE_BLOCKED);
    assert_int_equal(bench->server.connections, 0);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_response_gives_title_and_extension),
        ON_BENCH(source_and_complete_are_sent_with_the_bytes),
        ON_BENCH(a_link_to_a_site_needs_a_resolver),
        ON_BENCH(an_address_that_is_not_allowed_is_never_connected_to),
        ON_BENCH(our_own_address_is_refused_whatever_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
