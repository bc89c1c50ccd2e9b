/* One DEALER at a time, and the rounds. */
#include "worker/link.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"

#define FRAME_LIMIT 65536
#define FIRST_ROUND_MS 1000 /* until a WELCOME tells */
#define SILENT_ROUNDS 4
#define HELLO_PAUSE_MS 200 /* between two HELLOs at least */
#define HELD_LIMIT 512     /* messages.def */
#define ADDRESSES_LIMIT 16

/* ZMTP's own heartbeat notices a cut without FIN, in milliseconds but for the TTL's tenths. */
#define ZMTP_INTERVAL_MS 2000
#define ZMTP_TIMEOUT_MS 6000
#define RECONNECT_MS 100
#define RECONNECT_MAX_MS 2000

struct fm_link {
    struct fm_link_plan plan;
    void *context;
    void *socket;
    int fd; /* ZMQ_FD of the socket, watched; -1 */
    struct fm_loop_source source;
    char *addresses[ADDRESSES_LIMIT];
    size_t address_count;
    size_t address; /* the one in use */
    bool is_attached;
    uint64_t seen; /* the last HEARTBEAT_ACK's number on this connection */
    int64_t round_ms;
    int64_t heard_ms; /* the last acknowledgement, or the HELLO */
    int64_t hello_ms; /* the last one */
    int64_t hello_at_ms, beat_at_ms;
    uint64_t dropped;
};

/* ---- keys ---- */

bool fm_link_key_make(struct fm_link_key *key, struct fm_error *err)
{
    if (zmq_curve_keypair(key->public, key->secret) != 0) {
        return fm_fail_errno(err, "make a CURVE key");
    }
    return true;
}

bool fm_link_key_read(const char *secret, struct fm_link_key *key, struct fm_error *err)
{
    if (strlen(secret) != FM_LINK_KEY_SIZE - 1 || zmq_curve_public(key->public, secret) != 0) {
        return fm_fail(err, FM_SETTING, "the node's key is no CURVE key");
    }
    memcpy(key->secret, secret, FM_LINK_KEY_SIZE);
    return true;
}

/* ---- the socket ---- */

static void ignore_ready(void *context)
{
    /* To be awake is all: the tick reads. */
    (void)context;
}

static void close_socket(struct fm_link *link, int linger_ms)
{
    if (link->socket == NULL) {
        return;
    }
    fm_loop_forget(link->plan.loop, link->fd);
    zmq_setsockopt(link->socket, ZMQ_LINGER, &linger_ms, sizeof(linger_ms));
    zmq_close(link->socket);
    link->socket = NULL;
    link->fd = -1;
    link->is_attached = false;
    link->seen = 0;
}

static bool set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool set_text(void *socket, int option, const char *value)
{
    return zmq_setsockopt(socket, option, value, strlen(value)) == 0;
}

static bool set_options(void *socket, const struct fm_link_plan *plan)
{
    const int64_t limit = FRAME_LIMIT;
    return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &limit, sizeof(limit)) == 0 &&
           set_number(socket, ZMQ_LINGER, 0) && set_number(socket, ZMQ_IPV6, 1) &&
           set_number(socket, ZMQ_HEARTBEAT_IVL, ZMTP_INTERVAL_MS) &&
           set_number(socket, ZMQ_HEARTBEAT_TIMEOUT, ZMTP_TIMEOUT_MS) &&
           set_number(socket, ZMQ_HEARTBEAT_TTL, ZMTP_TIMEOUT_MS) &&
           set_number(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
           set_number(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) &&
           set_text(socket, ZMQ_CURVE_SERVERKEY, plan->broker_public_key) &&
           set_text(socket, ZMQ_CURVE_PUBLICKEY, plan->key->public) &&
           set_text(socket, ZMQ_CURVE_SECRETKEY, plan->key->secret);
}

static bool open_socket(struct fm_link *link, struct fm_error *err)
{
    size_t size = sizeof(link->fd);
    link->socket = zmq_socket(link->context, ZMQ_DEALER);
    if (link->socket == NULL) {
        return fm_fail_errno(err, "make a DEALER");
    }
    if (!set_options(link->socket, &link->plan)) {
        return fm_fail(err, FM_SETTING, "the link's options: %s", zmq_strerror(errno));
    }
    if (zmq_connect(link->socket, link->addresses[link->address]) != 0) {
        return fm_fail(err, FM_SETTING, "%s: %s", link->addresses[link->address],
                       zmq_strerror(errno));
    }
    if (zmq_getsockopt(link->socket, ZMQ_FD, &link->fd, &size) != 0) {
        return fm_fail_errno(err, "the link's descriptor");
    }
    return fm_loop_watch(link->plan.loop, link->fd, &link->source, err);
}

static bool send_now(struct fm_link *link, const struct fm_message *message)
{
    FM_AUTO(fm_text_done) struct fm_text frame = {0};
    struct fm_error err = {0};
    if (!fm_message_encode(message, &frame, &err)) {
        fm_log_failure("link_encode", &err);
        return false;
    }
    return zmq_send(link->socket, frame.data, frame.length, ZMQ_DONTWAIT) >= 0;
}

/* ---- what is said by itself ---- */

static struct fm_list list_held(const struct fm_link *link, struct fm_held held[HELD_LIMIT])
{
    return (struct fm_list){held, link->plan.list_held(link->plan.context, held, HELD_LIMIT)};
}

static void send_hello(struct fm_link *link)
{
    struct fm_held held[HELD_LIMIT];
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_HELLO);
    message.hello.version = FM_MESSAGE_VERSION;
    message.hello.boot = link->plan.boot;
    message.hello.placement = link->plan.placement;
    message.hello.net_slots = link->plan.net_slots;
    message.hello.cpu_slots = link->plan.cpu_slots;
    message.hello.software = FM_VERSION;
    message.hello.leases = list_held(link, held);
    send_now(link, &message);
    fm_message_done(&message);
}

/* A fresh socket, the old one closed first. */
static void say_hello(struct fm_link *link, int64_t now_ms)
{
    struct fm_error err = {0};
    close_socket(link, 0);
    link->heard_ms = now_ms;
    link->hello_ms = now_ms;
    link->hello_at_ms = FM_CLOCK_NEVER;
    if (open_socket(link, &err)) {
        send_hello(link);
        return;
    }
    fm_log_failure("link_open", &err);
    if (link->socket != NULL) {
        zmq_close(link->socket);
        link->socket = NULL;
    }
    link->hello_at_ms = now_ms + link->round_ms;
}

static void hello_soon(struct fm_link *link, int64_t now_ms)
{
    int64_t least_ms = link->hello_ms + HELLO_PAUSE_MS;
    link->is_attached = false;
    link->hello_at_ms = now_ms > least_ms ? now_ms : least_ms;
}

static void send_heartbeat(struct fm_link *link, int64_t now_ms)
{
    struct fm_held held[HELD_LIMIT];
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_HEARTBEAT);
    message.heartbeat.seen = link->seen;
    message.heartbeat.leases = list_held(link, held);
    send_now(link, &message);
    fm_message_done(&message);
    link->beat_at_ms = now_ms + link->round_ms;
}

static void give_up(struct fm_link *link, int64_t now_ms)
{
    fm_log(FM_LOG_WARNING, "broker_silent", "address=%s", link->addresses[link->address]);
    link->address = (link->address + 1) % link->address_count;
    hello_soon(link, now_ms);
}

/* ---- what is heard ---- */

static void take_welcome(struct fm_link *link, const struct fm_welcome *welcome, int64_t now_ms)
{
    link->is_attached = true;
    link->hello_at_ms = FM_CLOCK_NEVER;
    link->round_ms = (int64_t)welcome->round_ms;
    link->heard_ms = now_ms;
    link->beat_at_ms = now_ms + link->round_ms;
    fm_log(FM_LOG_INFO, "attached", "broker=%s node=%s", link->addresses[link->address],
           welcome->node != NULL ? welcome->node : "?");
}

/* True for words that the link keeps to itself. */
static bool take_own(struct fm_link *link, const struct fm_message *message, int64_t now_ms)
{
    if (message->type == FM_MESSAGE_HEARTBEAT_ACK) {
        link->seen = message->heartbeat_ack.number;
        link->heard_ms = now_ms;
        return true;
    }
    if (message->type == FM_MESSAGE_REFUSE && message->refuse.reason == FM_REFUSAL_UNKNOWN) {
        hello_soon(link, now_ms);
        return true;
    }
    if (message->type == FM_MESSAGE_WELCOME) {
        take_welcome(link, &message->welcome, now_ms);
        return false;
    }
    /* Before WELCOME nothing but a refusal has a meaning. */
    return !link->is_attached && message->type != FM_MESSAGE_REFUSE;
}

static void take_frame(struct fm_link *link, struct fm_slice frame, int64_t now_ms)
{
    struct fm_message message;
    struct fm_error err = {0};
    if (!fm_message_decode(frame, FM_FROM_BROKER, &message, &err)) {
        link->dropped++;
        fm_log(FM_LOG_WARNING, "link_dropped", "count=%llu reason=\"%s\"",
               (unsigned long long)link->dropped, err.detail);
        return;
    }
    if (!take_own(link, &message, now_ms)) {
        link->plan.on_message(link->plan.context, &message);
    }
    fm_message_done(&message);
}

/* ZMQ_FD tells of edges only: what stands is asked of ZMQ_EVENTS, after every send too. */
static bool is_readable(struct fm_link *link)
{
    int events = 0;
    size_t size = sizeof(events);
    return link->socket != NULL && zmq_getsockopt(link->socket, ZMQ_EVENTS, &events, &size) == 0 &&
           (events & ZMQ_POLLIN) != 0;
}

static bool receive_one(struct fm_link *link, int64_t now_ms)
{
    zmq_msg_t part;
    zmq_msg_init(&part);
    if (!is_readable(link) || zmq_msg_recv(&part, link->socket, ZMQ_DONTWAIT) < 0) {
        zmq_msg_close(&part);
        return false;
    }
    struct fm_slice frame = {zmq_msg_data(&part), zmq_msg_size(&part)};
    take_frame(link, frame, now_ms);
    zmq_msg_close(&part);
    return true;
}

/* ---- outside ---- */

int64_t fm_link_tick(struct fm_link *link, int64_t now_ms)
{
    if (now_ms >= link->hello_at_ms) {
        say_hello(link, now_ms);
    }
    if (link->is_attached && now_ms >= link->beat_at_ms) {
        send_heartbeat(link, now_ms);
    }
    while (receive_one(link, now_ms)) {
    }
    int64_t silent_at_ms = link->heard_ms + SILENT_ROUNDS * link->round_ms;
    if (link->hello_at_ms == FM_CLOCK_NEVER && now_ms >= silent_at_ms) {
        give_up(link, now_ms);
    }
    int64_t wake_ms = link->hello_at_ms < silent_at_ms ? link->hello_at_ms : silent_at_ms;
    return link->is_attached && link->beat_at_ms < wake_ms ? link->beat_at_ms : wake_ms;
}

void fm_link_drain(struct fm_link *link, int64_t now_ms)
{
    link->plan.net_slots = link->plan.cpu_slots = 0;
    hello_soon(link, now_ms);
}

bool fm_link_send(struct fm_link *link, const struct fm_message *message)
{
    return link->is_attached && send_now(link, message);
}

bool fm_link_is_attached(const struct fm_link *link)
{
    return link->is_attached;
}

int64_t fm_link_round_ms(const struct fm_link *link)
{
    return link->round_ms;
}

static bool take_addresses(struct fm_link *link, const char *brokers, struct fm_error *err)
{
    FM_AUTO_FREE char *copy = fm_strdup(brokers);
    char *rest = copy;
    char *word = NULL;
    while ((word = strsep(&rest, ", ")) != NULL) {
        if (*word == '\0') {
            continue;
        }
        if (link->address_count == ADDRESSES_LIMIT) {
            return fm_fail(err, FM_SETTING, "more than %d brokers", ADDRESSES_LIMIT);
        }
        struct fm_text address = {0};
        fm_text_format(&address, "%s%s", fm_text_starts(word, "tcp://") ? "" : "tcp://", word);
        link->addresses[link->address_count++] = fm_text_take(&address);
    }
    return link->address_count > 0 || fm_fail(err, FM_SETTING, "no broker is named");
}

static bool check_key(const char *key, struct fm_error *err)
{
    uint8_t bytes[32];
    if (strlen(key) != FM_LINK_KEY_SIZE - 1 || zmq_z85_decode(bytes, key) == NULL) {
        return fm_fail(err, FM_SETTING, "broker_public_key is no CURVE key");
    }
    return true;
}

struct fm_link *fm_link_new(const struct fm_link_plan *plan, struct fm_error *err)
{
    struct fm_link *link = fm_alloc(sizeof(*link));
    link->plan = *plan;
    link->fd = -1;
    link->source.on_ready = ignore_ready;
    link->round_ms = FIRST_ROUND_MS;
    link->context = zmq_ctx_new();
    if (link->context == NULL) {
        fm_fail_errno(err, "ZeroMQ");
    }
    if (link->context == NULL || !check_key(plan->broker_public_key, err) ||
        !take_addresses(link, plan->brokers, err)) {
        fm_link_destroy(&link, 0);
    }
    return link;
}

void fm_link_destroy(struct fm_link **link, int linger_ms)
{
    if (*link == NULL) {
        return;
    }
    close_socket(*link, linger_ms);
    if ((*link)->context != NULL) {
        zmq_ctx_term((*link)->context);
    }
    for (size_t i = 0; i < (*link)->address_count; i++) {
        fm_memory_release(&(*link)->addresses[i]);
    }
    fm_memory_release(link);
    *link = NULL;
}
