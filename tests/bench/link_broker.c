/*
 * The broker's end of the link under load: talks to one worker, link_worker.c, through the
 * product's own end, and times the talk.
 *   link_broker MEASURE COUNT OUTSTANDING HOST:PORT SECRETS_DIR WORKER_KEY
 * MEASURE is one of link_measure.h; COUNT messages are measured, and in a dialogue OUTSTANDING JOBs
 * are under way at once. The first line of output is the broker's public key, printed once it
 * listens; the second is a JSON object with the result.
 */
#include <poll.h>

/* Two trees are compared by building this file in both, and they differ in where the link lives. */
#if __has_include("broker/queue/link.h")
#include "broker/config/secrets.h"
#include "broker/queue/link.h"
#include "broker/queue/node.h"
#else
#include "broker/link.h"
#include "broker/node.h"
#include "broker/secrets.h"
#endif
#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"
#include "tests/bench/link_measure.h"

#define SILENCE_MS 20000
#define SPEC_SIZE 192 /* about a packed spec with two outputs */
#define JOB_MS 3600000

struct bench {
    enum link_measure measure;
    uint64_t count;
    uint64_t window;   /* JOBs that may be under way */
    uint64_t sent;     /* JOBs; their leases are numbered from 1 */
    uint64_t received; /* messages from the worker, or the last lease it named */
    uint64_t beats;
    struct fm_node_set *nodes;
    struct fm_link *link;
    struct fm_link_route route;
    struct fm_id account, job;
    char spec[SPEC_SIZE];
    int64_t begun_us; /* 0 until the worker came */
    /* By lease: when its JOB was sent, and from its RESULT on how long that took. */
    int64_t *times_us;
};

/* ---- what is sent ---- */

static struct fm_slice slice_of_id(const struct fm_id *id)
{
    return (struct fm_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

static void send_message(struct bench *bench, struct fm_message *message)
{
    if (!fm_link_send(bench->link, &bench->route, message)) {
        link_die("the broker's end refused a message", NULL);
    }
    fm_message_done(message);
}

static void send_job(struct bench *bench)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_JOB);
    message.job.account = slice_of_id(&bench->account);
    message.job.job = slice_of_id(&bench->job);
    message.job.lease = ++bench->sent;
    message.job.spec = (struct fm_slice){bench->spec, sizeof(bench->spec)};
    message.job.time_ms = JOB_MS;
    bench->times_us[bench->sent] = fm_clock_us();
    send_message(bench, &message);
}

static void send_result_ack(struct bench *bench, uint64_t lease)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_RESULT_ACK);
    message.result_ack.job = slice_of_id(&bench->job);
    message.result_ack.lease = lease;
    send_message(bench, &message);
}

static void send_heartbeat_ack(struct bench *bench)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_HEARTBEAT_ACK);
    message.heartbeat_ack.number = ++bench->beats;
    send_message(bench, &message);
}

static void send_due_jobs(struct bench *bench)
{
    while (bench->begun_us != 0 && bench->measure != LINK_PROGRESS && bench->sent < bench->count &&
           bench->sent < bench->received + bench->window) {
        send_job(bench);
    }
}

/* ---- what the worker sends ---- */

static void handle_hello(struct bench *bench, const struct fm_link_route *from)
{
    struct fm_message welcome;
    if (bench->begun_us != 0) {
        link_die("the worker lost its connection", NULL);
    }
    bench->route = *from;
    fm_message_init(&welcome, FM_MESSAGE_WELCOME);
    send_message(bench, &welcome);
    bench->begun_us = fm_clock_us();
    if (bench->measure == LINK_PROGRESS) {
        send_result_ack(bench, 0);
    }
}

static void handle_progress(struct bench *bench, const struct fm_progress *progress)
{
    if (bench->measure == LINK_JOBS) {
        bench->received = progress->lease;
        return;
    }
    if (progress->lease != ++bench->received) {
        link_die("a PROGRESS was lost", NULL);
    }
    if (link_report_is_due(bench->received, bench->count)) {
        send_result_ack(bench, bench->received);
    }
}

static void handle_result(struct bench *bench, const struct fm_result *result)
{
    if (result->lease != ++bench->received || result->outputs.count == 0) {
        link_die("a RESULT was lost", NULL);
    }
    bench->times_us[result->lease] = fm_clock_us() - bench->times_us[result->lease];
    send_result_ack(bench, result->lease);
}

static void handle_message(struct bench *bench, const struct fm_link_route *from,
                           const struct fm_message *message)
{
    switch (message->type) {
    case FM_MESSAGE_HELLO:
        handle_hello(bench, from);
        break;
    case FM_MESSAGE_PROGRESS:
        handle_progress(bench, &message->progress);
        break;
    case FM_MESSAGE_RESULT:
        handle_result(bench, &message->result);
        break;
    case FM_MESSAGE_HEARTBEAT:
        send_heartbeat_ack(bench);
        break;
    default:
        link_die("the worker sent an unexpected message", NULL);
    }
}

/* ---- the loop ---- */

static void receive_all(struct bench *bench)
{
    struct fm_link_route from;
    struct fm_tick_node node;
    struct fm_message message;
    while (fm_link_receive(bench->link, &from, &node, &message)) {
        handle_message(bench, &from, &message);
        fm_message_done(&message);
    }
}

/* As the broker waits: a send may have swallowed the descriptor's edge. */
static void wait_for_messages(struct bench *bench)
{
    struct pollfd descriptor = {.fd = fm_link_fd(bench->link), .events = POLLIN};
    if (!fm_link_has_more(bench->link) && poll(&descriptor, 1, SILENCE_MS) == 0) {
        link_die("the worker is silent", NULL);
    }
}

static void run_measure(struct bench *bench)
{
    while (bench->received < bench->count) {
        wait_for_messages(bench);
        receive_all(bench);
        send_due_jobs(bench);
    }
}

/* ---- the result ---- */

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void print_result(struct bench *bench)
{
    double seconds = (double)(fm_clock_us() - bench->begun_us) / 1e6;
    printf("{\"seconds\": %.6f, \"per_second\": %.1f", seconds, (double)bench->count / seconds);
    if (bench->measure == LINK_DIALOGUE) {
        int64_t *times_us = bench->times_us + 1;
        qsort(times_us, bench->count, sizeof(*times_us), compare_times);
        printf(", \"p50_us\": %lld, \"p99_us\": %lld", (long long)times_us[bench->count / 2],
               (long long)times_us[bench->count * 99 / 100]);
    }
    puts("}");
}

/* ---- start and stop ---- */

static void admit_worker(struct bench *bench, const char *public_key)
{
    struct fm_tick_node node = {.id = fm_id_new(), .name = "bench"};
    snprintf(node.public_key, sizeof(node.public_key), "%s", public_key);
    bench->nodes = fm_node_set_new();
    fm_node_set_replace(bench->nodes, &node, 1);
}

static void open_link(struct bench *bench, const char *listen, const char *directory)
{
    struct fm_secrets secrets;
    struct fm_error err = {0};
    if (!fm_secrets_load(directory, &secrets, &err) ||
        !fm_link_open(listen, &secrets, bench->nodes, &bench->link, &err)) {
        link_die("open", &err);
    }
    puts(secrets.curve_public);
    fflush(stdout);
    fm_secrets_done(&secrets);
}

int main(int argc, char **argv)
{
    struct bench bench = {.account = fm_id_new(), .job = fm_id_new()};
    if (argc != 7 || !link_measure_by_name(argv[1], &bench.measure) ||
        !fm_text_to_u64(argv[2], 1, 100000000, &bench.count) ||
        !fm_text_to_u64(argv[3], 1, LINK_WINDOW, &bench.window)) {
        link_die("usage: link_broker MEASURE COUNT OUTSTANDING HOST:PORT SECRETS_DIR WORKER_KEY",
                 NULL);
    }
    fm_log_open("link_broker", FM_LOG_WARNING);
    memset(bench.spec, 's', sizeof(bench.spec));
    bench.window = bench.measure == LINK_JOBS ? LINK_WINDOW : bench.window;
    bench.times_us = fm_alloc_array(bench.count + 1, sizeof(*bench.times_us));
    admit_worker(&bench, argv[6]);
    open_link(&bench, argv[4], argv[5]);
    run_measure(&bench);
    print_result(&bench);
    fm_link_close(&bench.link);
    fm_node_set_destroy(&bench.nodes);
    free(bench.times_us);
    return 0;
}
