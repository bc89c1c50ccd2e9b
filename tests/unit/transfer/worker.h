/*
 * The worker's end of the channel, for the tests of this room: sends the messages that a worker
 * sends, and checks those that the child sends back.
 */
#ifndef FM_TEST_TRANSFER_WORKER_H
#define FM_TEST_TRANSFER_WORKER_H

#include "tests/unit/common/unit.h"

#include <fcntl.h>
#include <unistd.h>

#include "common/file.h"
#include "common/memory.h"
#include "proto/spec.h"
#include "worker/transfer/line.h"

/* How long a message may take; a child that sends nothing for this long has failed the test. */
#define RECEIVE_MS 20000

struct worker {
    struct fm_channel *channel;
    char home[32]; /* the work directory */
    unsigned progress_count;
    struct fm_progress progress; /* of the last PROGRESS; what it points at is gone */
};

/* The members of FETCH that a test sets; send_fetch fills in the rest. */
struct fetch_options {
    const char *url;
    const char *allow; /* address rules; NULL: none */
    const char *own;
    const char *store;
    uint64_t site;
    uint64_t max_bytes; /* 0: 1 MiB */
    uint64_t time_ms;   /* 0: a minute */
};

static inline struct fm_list list_of(struct fm_word *word)
{
    return (struct fm_list){word, word->text == NULL ? 0 : 1};
}

/* Ends the message; the descriptors stay the caller's. */
static inline void send_message(struct worker *worker, struct fm_message *message, const int *fds,
                                size_t count)
{
    struct fm_error err;
    if (!fm_channel_send(worker->channel, message, fds, count, RECEIVE_MS, &err)) {
        fail_msg("send %s: %s", fm_message_name(message->type), err.detail);
    }
    fm_message_done(message);
}

static inline void send_fetch(struct worker *worker, const struct fetch_options *options)
{
    FM_AUTO(fm_text_done) struct fm_text packed = {0};
    struct fm_word allow = {options->allow};
    struct fm_word own = {options->own};
    struct fm_word store = {options->store};
    struct fm_spec spec;
    struct fm_message message;
    fm_pack_defaults(&fm_record_spec, &spec);
    spec.url = options->url;
    spec.site = options->site;
    assert_true(fm_spec_write(&spec, &packed, NULL));
    fm_message_init(&message, FM_MESSAGE_FETCH);
    message.fetch.spec = (struct fm_slice){packed.data, packed.length};
    message.fetch.directory = worker->home;
    message.fetch.time_ms = options->time_ms != 0 ? options->time_ms : 60000;
    message.fetch.max_source_bytes = options->max_bytes != 0 ? options->max_bytes : 1048576;
    message.fetch.allow = list_of(&allow);
    message.fetch.own = list_of(&own);
    message.fetch.store_origins = list_of(&store);
    send_message(worker, &message, NULL, 0);
}

static inline void send_origins(struct worker *worker, const char *store)
{
    struct fm_word origin = {store};
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_ORIGINS);
    message.origins.store_origins = list_of(&origin);
    send_message(worker, &message, NULL, 0);
}

static inline void send_upload(struct worker *worker, const char *name, const char *url)
{
    struct fm_upload_place place = {name, url};
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_UPLOAD);
    message.upload.places = (struct fm_list){&place, 1};
    send_message(worker, &message, NULL, 0);
}

/* DELIVER of one file, `out`, with these bytes. */
static inline void send_deliver(struct worker *worker, const char *bytes)
{
    char path[64];
    struct fm_file_facts file;
    struct fm_message message;
    snprintf(path, sizeof(path), "%s/out", worker->home);
    assert_true(fm_file_write(path, 0600, fm_slice_of(bytes), NULL));
    FM_AUTO(fm_file_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    fm_pack_defaults(&fm_record_file_facts, &file);
    file.name = "out";
    file.extension = "mp4";
    file.content_type = "video/mp4";
    fm_message_init(&message, FM_MESSAGE_DELIVER);
    message.deliver.files = (struct fm_list){&file, 1};
    send_message(worker, &message, &fd, 1);
}

/* Receives the next message and counts PROGRESS. False once the channel is closed. */
static inline bool receive_any(struct worker *worker, struct fm_line_packet *packet)
{
    struct fm_error err = {0};
    *packet = (struct fm_line_packet){0};
    enum fm_channel_got got = fm_channel_receive(worker->channel, RECEIVE_MS, &packet->message,
                                                 packet->fds, &packet->fd_count, &err);
    packet->has_message = got == FM_CHANNEL_MESSAGE;
    if (got != FM_CHANNEL_MESSAGE && got != FM_CHANNEL_CLOSED) {
        fail_msg("no message came: %s", err.detail);
    }
    if (packet->has_message && packet->message.type == FM_MESSAGE_PROGRESS) {
        worker->progress_count++;
        worker->progress = packet->message.progress;
    }
    return packet->has_message;
}

/* Skips PROGRESS; the next message has to be of this type. The caller ends the packet. */
static inline void expect_message(struct worker *worker, enum fm_message_type type,
                                  struct fm_line_packet *packet)
{
    while (receive_any(worker, packet) && packet->message.type == FM_MESSAGE_PROGRESS &&
           type != FM_MESSAGE_PROGRESS) {
        fm_line_packet_done(packet);
    }
    assert_true(packet->has_message);
    if (packet->message.type == FM_MESSAGE_END && type != FM_MESSAGE_END) {
        fail_msg("END came, %s: %s",
                 fm_error_row(fm_error_from_wire(packet->message.end.error))->public_code,
                 packet->message.end.detail);
    }
    assert_string_equal(fm_message_name(packet->message.type), fm_message_name(type));
}

/* The same, for a message whose content does not matter. */
static inline void expect_type(struct worker *worker, enum fm_message_type type)
{
    struct fm_line_packet packet;
    expect_message(worker, type, &packet);
    fm_line_packet_done(&packet);
}

/* The next message has to be END with this error. */
static inline void expect_end(struct worker *worker, enum fm_error_code code)
{
    struct fm_line_packet packet;
    expect_message(worker, FM_MESSAGE_END, &packet);
    assert_string_equal(fm_error_row(fm_error_from_wire(packet.message.end.error))->public_code,
                        fm_error_row(code)->public_code);
    assert_int_equal(packet.message.end.error, code);
    fm_line_packet_done(&packet);
}

static inline void assert_file_holds(int fd, const char *bytes)
{
    char held[256] = "";
    ssize_t got = pread(fd, held, sizeof(held) - 1, 0);
    assert_int_equal(got, strlen(bytes));
    assert_string_equal(held, bytes);
}

#endif
