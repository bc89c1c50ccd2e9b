/*
 * Sets the stage for tests of whole attempts: the real worker runs as a process, and the test plays
 * broker, source and store. The programs are in FM_BIN_DIR; without it these tests are skipped.
 */
#ifndef FM_TESTS_UNIT_WORKER_STAGE_H
#define FM_TESTS_UNIT_WORKER_STAGE_H

#include "tests/unit/transfer/http.h"
#include "tests/unit/worker/broker.h"

#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "common/hash.h"
#include "common/id.h"
#include "proto/spec.h"

#define ROUND_MS 1000 /* a worker that is held up for four rounds takes its broker for silent */
#define STORY_MS 60000
#define WAV_BYTES 16044

static struct broker broker;
static struct http_server server;
static char home[32];
static pid_t worker;
static int worker_pidfd = -1;
static char *public_key;
static struct fm_id account, job;
static char wav[WAV_BYTES];

/* ---- source and store ---- */

/* A second of a tone at 8 kHz, 16 bit, one channel. */
static inline void make_wav(void)
{
    static const unsigned char head[44] = {
        'R', 'I', 'F', 'F', 0xa4, 0x3e, 0,   0,   'W', 'A',  'V',  'E',  'f', 'm',  't',
        ' ', 16,  0,   0,   0,    1,    0,   1,   0,   0x40, 0x1f, 0,    0,   0x80, 0x3e,
        0,   0,   2,   0,   16,   0,    'd', 'a', 't', 'a',  0x80, 0x3e, 0,   0};
    memcpy(wav, head, sizeof(head));
    for (size_t i = 0; i < 8000; i++) {
        wav[44 + 2 * i + 1] = (char)(i % 20 < 10 ? 0x20 : -0x20);
    }
}

static inline void send_body(int fd, const char *type, const char *body, size_t length)
{
    char head[256];
    snprintf(head, sizeof(head),
             "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n", type, length);
    http_send_text(fd, head);
    http_send(fd, body, length);
}

static inline void answer(struct http_server *self, int fd, const struct http_request *request)
{
    if (strcmp(request->method, "PUT") == 0) {
        http_send_text(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    } else if (strcmp(request->path, "/slow.bin") == 0) {
        http_send_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12");
        http_wait_gate(self);
    } else if (strcmp(request->path, "/text.bin") == 0) {
        send_body(fd, "application/octet-stream", "just text", 9);
    } else if (strcmp(request->path, "/tone.wav") == 0) {
        send_body(fd, "audio/wav", wav, sizeof(wav));
    } else {
        http_send_text(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    }
}

static inline void url_of(const char *path, char out[128])
{
    snprintf(out, 128, "http://127.0.0.1:%u%s", (unsigned)server.port, path);
}

/* ---- the worker ---- */

/* Runs a program and returns what it prints, without the line end. The caller frees it. */
static inline char *ask(char *const *arguments)
{
    int out[2];
    char text[128] = "";
    int status = -1;
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(out[1], 1);
        execv(arguments[0], arguments);
        _exit(127);
    }
    close(out[1]);
    assert_true(read(out[0], text, sizeof(text) - 1) > 0);
    close(out[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    text[strcspn(text, "\n")] = '\0';
    return fm_strdup(text);
}

static inline char *option(const char *name, const char *value)
{
    struct fm_text text = {0};
    fm_text_format(&text, "--%s=%s", name, value);
    return fm_text_take(&text);
}

static inline char *worker_path(void)
{
    return fm_file_path(getenv("FM_BIN_DIR"), "fetchmedia-worker");
}

static inline void start_worker(void)
{
    FM_AUTO_FREE char *path = worker_path();
    FM_AUTO_FREE char *work_dir = option("work-dir", home);
    FM_AUTO_FREE char *brokers = option("brokers", broker.endpoint);
    FM_AUTO_FREE char *key = option("broker-public-key", broker.public);
    char print[] = "--print-key";
    char net[] = "--net-slots=1";
    char cpu[] = "--cpu-slots=1";
    char *const printing[] = {path, work_dir, print, NULL};
    char *const serving[] = {path, work_dir, brokers, key, net, cpu, NULL};
    public_key = ask(printing);
    broker.admitted = public_key;
    worker = fork();
    if (worker == 0) {
        execv(path, serving);
        _exit(127);
    }
    worker_pidfd = pidfd_open(worker, 0);
    assert_true(worker_pidfd >= 0);
}

/* Serves the broker until the worker has ended. Returns its exit code; -1 if a signal ended it. */
static inline int await_exit(void)
{
    int64_t until_ms = fm_clock_ms() + STORY_MS;
    struct pollfd wanted = {worker_pidfd, POLLIN, 0};
    struct fm_message message;
    int status = 0;
    while (poll(&wanted, 1, 0) == 0 && fm_clock_ms() < until_ms) {
        if (broker_step(&broker, 10, &message)) {
            fm_message_done(&message);
        }
    }
    assert_int_equal(waitpid(worker, &status, WNOHANG), worker);
    worker = 0;
    fm_file_close(&worker_pidfd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ---- the conversation ---- */

static inline void acknowledge_beat(void)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_HEARTBEAT_ACK);
    message.heartbeat_ack.number = 1;
    broker_say(&broker, &message);
}

/* Waits for the next message of that type. Until then heartbeats are acknowledged, PROGRESS and
 * repeated RESULTs are skipped; any other message fails the test. */
static inline void receive_message(enum fm_message_type type, struct fm_message *message)
{
    int64_t until_ms = fm_clock_ms() + STORY_MS;
    *message = (struct fm_message){0};
    while (fm_clock_ms() < until_ms) {
        if (!broker_step(&broker, 50, message)) {
            continue;
        }
        if (message->type == FM_MESSAGE_HEARTBEAT) {
            acknowledge_beat();
        }
        if (message->type == type) {
            return;
        }
        assert_true(message->type == FM_MESSAGE_HEARTBEAT || message->type == FM_MESSAGE_PROGRESS ||
                    message->type == FM_MESSAGE_RESULT);
        fm_message_done(message);
    }
    fail_msg("%s never came", fm_message_name(type));
}

static inline struct fm_slice bytes_of(const struct fm_id *id)
{
    return (struct fm_slice){(const char *)id->bytes, 16};
}

static inline void welcome(void)
{
    char origin[128];
    struct fm_word store = {origin};
    struct fm_message message;
    receive_message(FM_MESSAGE_HELLO, &message);
    fm_message_done(&message);
    url_of("", origin);
    fm_message_init(&message, FM_MESSAGE_WELCOME);
    message.welcome.round_ms = ROUND_MS;
    message.welcome.store_origins = (struct fm_list){&store, 1};
    broker_say(&broker, &message);
}

static inline void send_job(const char *path, struct fm_spec_output *output, uint64_t lease,
                            uint64_t time_ms)
{
    FM_AUTO(fm_text_done) struct fm_text packed = {0};
    char url[128];
    struct fm_word allow = {"127.0.0.0/8:0"};
    char rule[64];
    struct fm_spec spec;
    struct fm_message message;
    snprintf(rule, sizeof(rule), "127.0.0.0/8:%u", (unsigned)server.port);
    allow.text = rule;
    url_of(path, url);
    fm_pack_defaults(&fm_record_spec, &spec);
    spec.url = url;
    spec.site = FM_SITE_URL;
    spec.outputs = (struct fm_list){output, output != NULL ? 1 : 0};
    assert_true(fm_spec_write(&spec, &packed, NULL));
    fm_message_init(&message, FM_MESSAGE_JOB);
    message.job.account = bytes_of(&account);
    message.job.job = bytes_of(&job);
    message.job.lease = lease;
    message.job.class = fm_spec_class(&spec);
    message.job.spec = (struct fm_slice){packed.data, packed.length};
    message.job.time_ms = time_ms;
    message.job.allow = (struct fm_list){&allow, 1};
    broker_say(&broker, &message);
}

/* Answers one WANT_UPLOAD with an upload URL for its only file. */
static inline void give_place(const char *name, uint64_t lease)
{
    struct fm_message want;
    struct fm_message message;
    char url[128];
    receive_message(FM_MESSAGE_WANT_UPLOAD, &want);
    const struct fm_file_facts *files = want.want_upload.files.items;
    assert_int_equal(want.want_upload.lease, lease);
    assert_memory_equal(want.want_upload.job.data, job.bytes, 16);
    assert_int_equal(want.want_upload.files.count, 1);
    assert_string_equal(files[0].name, name);
    url_of("/store/here", url);
    struct fm_upload_place place = {name, url};
    fm_message_init(&message, FM_MESSAGE_UPLOAD);
    message.upload.job = bytes_of(&job);
    message.upload.lease = lease;
    message.upload.places = (struct fm_list){&place, 1};
    broker_say(&broker, &message);
    fm_message_done(&want);
}

static inline void expect_result(enum fm_how how, enum fm_error_code error,
                                 struct fm_message *message)
{
    receive_message(FM_MESSAGE_RESULT, message);
    if (message->result.how != how || message->result.error != error) {
        fail_msg("how=%d error=%d %s", (int)message->result.how, (int)message->result.error,
                 message->result.detail != NULL ? message->result.detail : "");
    }
}

static inline void acknowledge_result(uint64_t lease)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_RESULT_ACK);
    message.result_ack.job = bytes_of(&job);
    message.result_ack.lease = lease;
    broker_say(&broker, &message);
}

static inline void send_cancel(uint64_t lease)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_CANCEL);
    message.cancel.job = bytes_of(&job);
    message.cancel.lease = lease;
    broker_say(&broker, &message);
}

/* Acknowledges heartbeats until one lists `count` leases. */
static inline void await_held(size_t count)
{
    int64_t until_ms = fm_clock_ms() + STORY_MS;
    struct fm_message message;
    size_t held = SIZE_MAX;
    while (held != count && fm_clock_ms() < until_ms) {
        receive_message(FM_MESSAGE_HEARTBEAT, &message);
        held = message.heartbeat.leases.count;
        fm_message_done(&message);
    }
    assert_int_equal(held, count);
}

static inline void await_progress(void)
{
    struct fm_message message;
    receive_message(FM_MESSAGE_PROGRESS, &message);
    assert_memory_equal(message.progress.account.data, account.bytes, 16);
    assert_memory_equal(message.progress.job.data, job.bytes, 16);
    fm_message_done(&message);
}

static inline int set_up(void **state)
{
    (void)state;
    if (getenv("FM_BIN_DIR") == NULL) {
        return 0;
    }
    make_home(home);
    make_wav();
    account = fm_id_new();
    job = fm_id_new();
    broker_open(&broker, NULL);
    http_start(&server, answer, NULL);
    start_worker();
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    if (getenv("FM_BIN_DIR") == NULL) {
        return 0;
    }
    if (worker > 0) {
        kill(worker, SIGKILL);
        waitpid(worker, NULL, 0);
        fm_file_close(&worker_pidfd);
        worker = 0;
    }
    http_stop(&server);
    broker_close(&broker);
    fm_memory_release(&public_key);
    remove_home(home);
    return 0;
}

static inline void need_programs(void)
{
    if (getenv("FM_BIN_DIR") == NULL) {
        skip();
    }
}

#endif
