/*
 * The worker's end of the link under load: answers link_broker.c through the product's own end.
 *   link_worker MEASURE COUNT HOST:PORT BROKER_KEY < SECRET_KEY
 * MEASURE and COUNT as link_broker has them. Standard input begins with the node's secret key; the
 * program ends when its input does.
 */
#include <unistd.h>

#include "common/clock.h"
#include "common/id.h"
#include "common/log.h"
#include "tests/bench/link_measure.h"
#include "worker/link.h"

struct worker {
    enum link_measure measure;
    uint64_t count;
    struct fm_loop *loop;
    struct fm_link_key key;
    struct fm_link *link;
    uint64_t received; /* JOBs; their leases are numbered from 1 */
    uint64_t sent;     /* PROGRESS messages of LINK_PROGRESS */
    uint64_t granted;  /* the broker has received as many of them */
    bool is_begun;     /* the broker wants PROGRESS messages */
    struct fm_id account, job;
    bool is_over;
};

/* ---- what is sent: what a worker knows of a file, once it was probed and made ---- */

static const struct fm_video_facts video = {
    .codec = "h264", .width = 1280, .height = 720, .frame_rate = 30, .frames = 18000};
static const struct fm_audio_facts audio = {.codec = "aac", .channels = 2, .sample_rate = 48000};
static const struct fm_source_facts source = {.title = "A film of ten minutes",
                                              .container = "mov",
                                              .content_type = "video/mp4",
                                              .extension = "mp4",
                                              .size_bytes = 123456789,
                                              .duration_seconds = 600.02,
                                              .video = &video,
                                              .audio = &audio};
static struct fm_file_facts outputs[] = {
    {.name = "p720",
     .extension = "mp4",
     .content_type = "video/mp4",
     .size_bytes = 98765432,
     .sha256 = {"0123456789abcdef0123456789abcdef", 32},
     .duration_seconds = 600.02,
     .video = &video,
     .audio = &audio},
    {.name = "sound",
     .extension = "mp3",
     .content_type = "audio/mpeg",
     .size_bytes = 9876543,
     .sha256 = {"fedcba9876543210fedcba9876543210", 32},
     .duration_seconds = 600.05,
     .audio = &audio},
};

static void send_message(struct worker *worker, struct fm_message *message)
{
    if (!fm_link_send(worker->link, message)) {
        link_die("the worker's end refused a message", NULL);
    }
    fm_message_done(message);
}

static void send_progress(struct worker *worker, uint64_t lease, struct fm_slice account,
                          struct fm_slice job)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_PROGRESS);
    message.progress.account = account;
    message.progress.job = job;
    message.progress.lease = lease;
    message.progress.stage = FM_STAGE_PROCESS;
    message.progress.percent = 42.5;
    message.progress.downloaded_bytes = message.progress.total_bytes = source.size_bytes;
    message.progress.frames = 7650;
    message.progress.speed = 3.5;
    message.progress.eta_seconds = 98.6;
    message.progress.source = &source;
    send_message(worker, &message);
}

static void send_result(struct worker *worker, const struct fm_job *job)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_RESULT);
    message.result.account = job->account;
    message.result.job = job->job;
    message.result.lease = job->lease;
    message.result.how = FM_HOW_SUCCEEDED;
    message.result.source = &source;
    message.result.outputs = (struct fm_list){outputs, sizeof(outputs) / sizeof(outputs[0])};
    send_message(worker, &message);
}

static bool progress_is_due(const struct worker *worker)
{
    return worker->is_begun && worker->sent < worker->count &&
           worker->sent < worker->granted + LINK_WINDOW;
}

static void send_due_progress(struct worker *worker)
{
    struct fm_slice account = {(const char *)worker->account.bytes, sizeof(worker->account.bytes)};
    struct fm_slice job = {(const char *)worker->job.bytes, sizeof(worker->job.bytes)};
    while (progress_is_due(worker)) {
        send_progress(worker, ++worker->sent, account, job);
    }
}

/* ---- what the broker sends ---- */

static void accept_job(struct worker *worker, const struct fm_job *job)
{
    if (job->lease != ++worker->received || job->spec.length == 0) {
        link_die("a JOB was lost", NULL);
    }
    if (worker->measure == LINK_DIALOGUE) {
        send_result(worker, job);
    } else if (link_report_is_due(job->lease, worker->count)) {
        send_progress(worker, job->lease, job->account, job->job);
    }
}

static void handle_result_ack(struct worker *worker, const struct fm_result_ack *ack)
{
    worker->is_begun = worker->measure == LINK_PROGRESS;
    worker->granted = ack->lease;
}

static void handle_message(void *context, struct fm_message *message)
{
    struct worker *worker = context;
    switch (message->type) {
    case FM_MESSAGE_WELCOME:
        break;
    case FM_MESSAGE_JOB:
        accept_job(worker, &message->job);
        break;
    case FM_MESSAGE_RESULT_ACK:
        handle_result_ack(worker, &message->result_ack);
        break;
    default:
        link_die("the broker sent an unexpected message", NULL);
    }
}

/* ---- the loop ---- */

static size_t list_held(void *context, struct fm_held *out, size_t capacity)
{
    (void)context;
    (void)out;
    (void)capacity;
    return 0;
}

static void read_input(void *context)
{
    struct worker *worker = context;
    char bytes[64];
    worker->is_over = read(STDIN_FILENO, bytes, sizeof(bytes)) <= 0;
}

/* The tick reads all that came, so a message that stands ready before the wait is never missed:
 * nothing is sent between the tick and the wait. */
static void serve_link(struct worker *worker)
{
    int64_t wake_ms = 0;
    do {
        send_due_progress(worker);
        wake_ms = fm_link_tick(worker->link, fm_clock_ms());
    } while (progress_is_due(worker));
    fm_loop_next(worker->loop, fm_clock_left(wake_ms));
}

static void run_worker(struct worker *worker)
{
    struct fm_error err = {0};
    struct fm_loop_source input = {.on_ready = read_input, .context = worker};
    if (!fm_loop_watch(worker->loop, STDIN_FILENO, &input, &err)) {
        link_die("input", &err);
    }
    while (!worker->is_over) {
        serve_link(worker);
    }
    fm_loop_unwatch(worker->loop, STDIN_FILENO);
}

/* ---- start and stop ---- */

static void read_key(struct worker *worker)
{
    struct fm_error err = {0};
    char secret[FM_LINK_KEY_SIZE] = "";
    ssize_t length = read(STDIN_FILENO, secret, sizeof(secret) - 1);
    if (length != sizeof(secret) - 1 || !fm_link_key_read(secret, &worker->key, &err)) {
        link_die("the node's secret key", &err);
    }
}

static void open_link(struct worker *worker, const char *broker, const char *broker_key)
{
    struct fm_error err = {0};
    worker->loop = fm_loop_new(&err);
    if (worker->loop == NULL) {
        link_die("loop", &err);
    }
    const struct fm_link_options options = {.loop = worker->loop,
                                            .brokers = broker,
                                            .broker_public_key = broker_key,
                                            .key = &worker->key,
                                            .boot = 1,
                                            .net_slots = LINK_WINDOW,
                                            .context = worker,
                                            .list_held = list_held,
                                            .on_message = handle_message};
    worker->link = fm_link_new(&options, &err);
    if (worker->link == NULL) {
        link_die("link", &err);
    }
}

int main(int argc, char **argv)
{
    struct worker worker = {.account = fm_id_new(), .job = fm_id_new()};
    if (argc != 5 || !link_measure_by_name(argv[1], &worker.measure) ||
        !fm_text_to_u64(argv[2], 1, 100000000, &worker.count)) {
        link_die("usage: link_worker MEASURE COUNT HOST:PORT BROKER_KEY < SECRET_KEY", NULL);
    }
    fm_log_open("link_worker", FM_LOG_WARNING);
    read_key(&worker);
    open_link(&worker, argv[3], argv[4]);
    run_worker(&worker);
    fm_link_destroy(&worker.link, 0);
    fm_loop_destroy(&worker.loop);
    return 0;
}
