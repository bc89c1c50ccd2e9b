/* Uploads in this process, to a store that answers with the statuses a test has set. */
#include "tests/unit/transfer/worker.h"

#include "common/clock.h"
#include "common/hash.h"
#include "tests/unit/transfer/http.h"
#include "worker/transfer/deliver.h"

#define QUICK ((struct fm_deliver_timing){10, 50})

/* The delivery and its store, which answers with the next of `statuses`, and with 201 at a 0. */
struct bench {
    struct worker worker;
    struct fm_line line;
    struct http_server store;
    int statuses[8];
    size_t next_status;
    char origin[64];
    char url[128];
};

static void answer_put(struct http_server *server, int fd, const struct http_request *request)
{
    struct bench *bench = server->context;
    char head[128];
    int status = bench->statuses[bench->next_status];
    (void)request;
    bench->next_status += status != 0 ? 1 : 0;
    snprintf(head, sizeof(head),
             "HTTP/1.1 %d Status\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
             status != 0 ? status : 201);
    http_send_text(fd, head);
}

static int open_bench(void **state)
{
    struct bench *bench = fm_alloc(sizeof(*bench));
    int ours = -1;
    int theirs = -1;
    strcpy(bench->worker.home, "/tmp/fm-test-deliver-XXXXXX");
    if (mkdtemp(bench->worker.home) == NULL || !fm_channel_pair(&ours, &theirs, NULL)) {
        return -1;
    }
    bench->worker.channel = fm_channel_new(ours, FM_FROM_TRANSFER);
    fm_line_init(&bench->line, theirs);
    bench->line.deadline_ms = fm_clock_ms() + 60000;
    http_start(&bench->store, answer_put, bench);
    snprintf(bench->origin, sizeof(bench->origin), "http://127.0.0.1:%u", bench->store.port);
    snprintf(bench->url, sizeof(bench->url), "%s/store/out?signature=one", bench->origin);
    *state = bench;
    return 0;
}

static int close_bench(void **state)
{
    FM_AUTO_FREE struct bench *bench = *state;
    http_stop(&bench->store);
    fm_line_done(&bench->line);
    fm_channel_destroy(&bench->worker.channel);
    return fm_file_remove_tree(AT_FDCWD, bench->worker.home, NULL) ? 0 : -1;
}

/* Receives a DELIVER of one file; its UPLOAD waits in the channel already. */
static void prepare_delivery(struct bench *bench, const char *bytes, struct fm_line_packet *packet)
{
    send_origins(&bench->worker, bench->origin);
    send_deliver(&bench->worker, bytes);
    assert_true(fm_line_expect(&bench->line, FM_MESSAGE_DELIVER, packet, NULL));
    send_upload(&bench->worker, "out", bench->url);
}

static void a_file_is_hashed_and_put_to_a_requested_url(void **state)
{
    struct bench *bench = *state;
    FM_AUTO(fm_line_packet_done) struct fm_line_packet packet = {0};
    struct fm_line_packet want;
    struct fm_deliver_result result;
    uint8_t sha256[32];
    fm_hash_sha256("movie", 5, sha256);
    prepare_delivery(bench, "movie", &packet);
    assert_true(fm_deliver_run(&bench->line, &packet, QUICK, &result, NULL));
    assert_int_equal(result.count, 1);
    assert_int_equal(result.files[0].size_bytes, 5);
    assert_memory_equal(result.files[0].sha256.data, sha256, 32);
    assert_string_equal(result.files[0].name, "out");
    expect_message(&bench->worker, FM_MESSAGE_WANT_UPLOAD, &want);
    const struct fm_file_facts *wanted = want.message.want_upload.files.items;
    assert_int_equal(want.message.want_upload.files.count, 1);
    assert_string_equal(wanted->name, "out");
    assert_string_equal(wanted->extension, "mp4");
    assert_string_equal(wanted->content_type, "video/mp4");
    assert_int_equal(wanted->size_bytes, 5);
    assert_memory_equal(wanted->sha256.data, sha256, 32);
    fm_line_packet_done(&want);
    assert_string_equal(bench->store.request.method, "PUT");
    assert_string_equal(bench->store.request.path, "/store/out?signature=one");
    assert_string_equal(bench->store.request.body, "movie");
    assert_non_null(strcasestr(bench->store.request.head, "content-type: video/mp4"));
    assert_null(strcasestr(bench->store.request.head, "chunked"));
}

static void an_empty_file_is_put_too(void **state)
{
    struct bench *bench = *state;
    FM_AUTO(fm_line_packet_done) struct fm_line_packet packet = {0};
    struct fm_deliver_result result;
    prepare_delivery(bench, "", &packet);
    assert_true(fm_deliver_run(&bench->line, &packet, QUICK, &result, NULL));
    assert_int_equal(bench->store.connections, 1);
    assert_int_equal(bench->store.request.body_length, 0);
    assert_non_null(strcasestr(bench->store.request.head, "content-length: 0"));
}

static void a_busy_store_is_tried_again_with_the_same_url(void **state)
{
    struct bench *bench = *state;
    FM_AUTO(fm_line_packet_done) struct fm_line_packet packet = {0};
    struct fm_deliver_result result;
    bench->statuses[0] = 503;
    prepare_delivery(bench, "movie", &packet);
    assert_true(fm_deliver_run(&bench->line, &packet, QUICK, &result, NULL));
    assert_int_equal(bench->store.connections, 2);
    assert_string_equal(bench->store.request.body, "movie");
    expect_type(&bench->worker, FM_MESSAGE_WANT_UPLOAD);
}

static void a_delivery_fails_after_five_tries(void **state)
{
    struct bench *bench = *state;
    FM_AUTO(fm_line_packet_done) struct fm_line_packet packet = {0};
    struct fm_deliver_result result;
    struct fm_error err;
    for (size_t i = 0; i < 5; i++) {
        bench->statuses[i] = 500;
    }
    prepare_delivery(bench, "movie", &packet);
    assert_false(fm_deliver_run(&bench->line, &packet, QUICK, &result, &err));
    assert_int_equal(err.code, FM_DELIVER_FAILED);
    assert_null(strstr(err.detail, "signature"));
    assert_int_equal(bench->store.connections, 5);
}

static void a_url_outside_the_stores_origins_is_not_used(void **state)
{
    struct bench *bench = *state;
    FM_AUTO(fm_line_packet_done) struct fm_line_packet packet = {0};
    struct fm_deliver_result result;
    struct fm_error err;
    send_origins(&bench->worker, "http://127.0.0.1:1");
    send_deliver(&bench->worker, "movie");
    assert_true(fm_line_expect(&bench->line, FM_MESSAGE_DELIVER, &packet, NULL));
    send_upload(&bench->worker, "out", bench->url);
    bench->line.deadline_ms = fm_clock_ms() + 1000;
    assert_false(fm_deliver_run(&bench->line, &packet, QUICK, &result, &err));
    assert_int_equal(err.code, FM_DEADLINE_EXCEEDED);
    assert_int_equal(bench->store.connections, 0);
}

static void *answer_second_request(void *context)
{
    struct bench *bench = context;
    expect_type(&bench->worker, FM_MESSAGE_WANT_UPLOAD);
    expect_type(&bench->worker, FM_MESSAGE_WANT_UPLOAD);
    send_upload(&bench->worker, "out", bench->url);
    return NULL;
}

/* A broker that restarts forgets the request. */
static void an_upload_that_does_not_come_is_requested_again(void **state)
{
    struct bench *bench = *state;
    FM_AUTO(fm_line_packet_done) struct fm_line_packet packet = {0};
    struct fm_deliver_result result;
    pthread_t broker;
    send_origins(&bench->worker, bench->origin);
    send_deliver(&bench->worker, "movie");
    assert_true(fm_line_expect(&bench->line, FM_MESSAGE_DELIVER, &packet, NULL));
    assert_int_equal(pthread_create(&broker, NULL, answer_second_request, bench), 0);
    assert_true(fm_deliver_run(&bench->line, &packet, QUICK, &result, NULL));
    pthread_join(broker, NULL);
    assert_string_equal(bench->store.request.body, "movie");
}

static void files_and_descriptors_have_to_match(void **state)
{
    struct bench *bench = *state;
    struct fm_line_packet packet = {0};
    struct fm_deliver_result result;
    struct fm_error err;
    prepare_delivery(bench, "movie", &packet);
    fm_file_close(&packet.fds[0]);
    packet.fd_count = 0;
    assert_false(fm_deliver_run(&bench->line, &packet, QUICK, &result, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
    fm_line_packet_done(&packet);
}

static void a_message_out_of_turn_ends_the_delivery(void **state)
{
    struct bench *bench = *state;
    FM_AUTO(fm_line_packet_done) struct fm_line_packet packet = {0};
    struct fm_deliver_result result;
    struct fm_error err;
    send_deliver(&bench->worker, "movie");
    assert_true(fm_line_expect(&bench->line, FM_MESSAGE_DELIVER, &packet, NULL));
    send_deliver(&bench->worker, "movie");
    assert_false(fm_deliver_run(&bench->line, &packet, QUICK, &result, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
}

#define ON_BENCH(test) cmocka_unit_test_setup_teardown(test, open_bench, close_bench)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BENCH(a_file_is_hashed_and_put_to_a_requested_url),
        ON_BENCH(an_empty_file_is_put_too),
        ON_BENCH(a_busy_store_is_tried_again_with_the_same_url),
        ON_BENCH(a_delivery_fails_after_five_tries),
        ON_BENCH(a_url_outside_the_stores_origins_is_not_used),
        ON_BENCH(an_upload_that_does_not_come_is_requested_again),
        ON_BENCH(files_and_descriptors_have_to_match),
        ON_BENCH(a_message_out_of_turn_ends_the_delivery),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
