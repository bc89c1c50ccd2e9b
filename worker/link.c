/* Runs the link: opens a socket for each HELLO, keeps the rounds, decodes what arrives. */
#include "worker/link.h"

#include <czmq.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/memory.h"

#define FRAME_LIMIT 65536   /* FM_PACK_LIMIT: a longer frame closes the connection unread */
#define FIRST_ROUND_MS 1000 /* until WELCOME sets round_ms */
#define SILENT_ROUNDS 4     /* without an acknowledgement: the next address is tried */
#define HELLO_PAUSE_MS 200  /* at least, between two HELLOs: no storm against a refusing broker */
#define HELD_LIMIT 512      /* the most leases of a HELLO or HEARTBEAT (proto/messages.def) */
#define ADDRESSES_LIMIT 16
/* Descriptors that a socket takes. Without one, czmq aborts the process. */
#define SOCKET_DESCRIPTORS 4

/* ZMTP's own heartbeat (ZeroMQ RFC 37) notices a connection that was cut without a FIN. */
#define ZMTP_INTERVAL_MS 2000
#define ZMTP_TIMEOUT_MS 6000
#define RECONNECT_MS 100
#define RECONNECT_MAX_MS 2000

struct fm_link {
    struct fm_link_options options;
    zsock_t *socket; /* NULL before the first HELLO; its descriptor is watched */
    struct fm_loop_source source;
    char *addresses[ADDRESSES_LIMIT];
    size_t address_count;
    size_t address; /* index of the broker in use */
    bool is_attached;
    uint64_t seen; /* number of the last HEARTBEAT_ACK on this connection; 0: none */
    int64_t round_ms;
    int64_t heard_ms; /* when WELCOME or the last acknowledgement came, or HELLO was sent */
    int64_t hello_ms; /* when the last HELLO was sent */
    int64_t hello_at_ms, beat_at_ms; /* when the next of each is due; FM_CLOCK_NEVER: not */
    uint64_t dropped;                /* frames that could not be decoded */
};

/* ---- keys ---- */

bool fm_link_key_make(struct fm_link_key *key, struct fm_error *err)
{
    /* libzmq's own call: a zcert is freed with the secret still in it. */
    return zmq_curve_keypair(key->public, key->secret) == 0 ||
           fm_fail_errno(err, "make a CURVE key");
}

bool fm_link_key_read(const char *secret, struct fm_link_key *key, struct fm_error *err)
{
    /* libzmq's own function, because a zcert can only be made of both halves. */
    if (strlen(secret) != FM_LINK_KEY_SIZE - 1 || zmq_curve_public(key->public, secret) != 0) {
        return fm_fail(err, FM_SETTING, "the node's key is not a CURVE key");
    }
    memcpy(key->secret, secret, FM_LINK_KEY_SIZE);
    return true;
}

/* ---- the socket ---- */

static void ignore_ready(void *context)
{
    /* Its only purpose is to wake the loop; fm_link_tick reads. */
    (void)context;
}

static void close_socket(struct fm_link *link, int linger_ms)
{
    if (link->socket == NULL) {
        return;
    }
    fm_loop_unwatch(link->options.loop, zsock_fd(link->socket));
    zsock_set_linger(link->socket, linger_ms);
    zsock_destroy(&link->socket);
    link->is_attached = false;
    link->seen = 0;
}

/* The timeouts are 0 because only the loop may wait. */
static void set_options(zsock_t *socket, const struct fm_link_options *options)
{
    zsock_set_maxmsgsize(socket, FRAME_LIMIT);
    zsock_set_linger(socket, 0);
    zsock_set_rcvtimeo(socket, 0);
    zsock_set_sndtimeo(socket, 0);
    zsock_set_ipv6(socket, 1);
    zsock_set_heartbeat_ivl(socket, ZMTP_INTERVAL_MS);
    zsock_set_heartbeat_timeout(socket, ZMTP_TIMEOUT_MS);
    zsock_set_heartbeat_ttl(socket, ZMTP_TIMEOUT_MS);
    zsock_set_reconnect_ivl(socket, RECONNECT_MS);
    zsock_set_reconnect_ivl_max(socket, RECONNECT_MAX_MS);
    zsock_set_curve_serverkey(socket, options->broker_public_key);
    zsock_set_curve_publickey(socket, options->key->public);
    zsock_set_curve_secretkey(socket, options->key->secret);
}

static bool open_socket(struct fm_link *link, struct fm_error *err)
{
    const char *address = link->addresses[link->address];
    if (!fm_file_check_free(SOCKET_DESCRIPTORS, err)) {
        return false;
    }
    link->socket = zsock_new(ZMQ_DEALER);
    set_options(link->socket, &link->options);
    if (zsock_connect(link->socket, "%s", address) != 0) {
        return fm_fail(err, FM_SETTING, "%s: %s", address, zmq_strerror(errno));
    }
    return fm_loop_watch(link->options.loop, zsock_fd(link->socket), &link->source, err);
}

static bool send_now(struct fm_link *link, const struct fm_message *message)
{
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    struct fm_error err = {0};
    if (!fm_message_encode(message, &bytes, &err)) {
        fm_log_failure("link_encode", &err);
        return false;
    }
    FM_AUTO(zframe_destroy) zframe_t *frame = zframe_new(bytes.data, bytes.length);
    return zframe_send(&frame, link->socket, 0) == 0;
}

/* ---- messages of the link's own ---- */

static struct fm_list list_held(const struct fm_link *link, struct fm_held held[HELD_LIMIT])
{
    return (struct fm_list){held, link->options.list_held(link->options.context, held, HELD_LIMIT)};
}

static void send_hello(struct fm_link *link)
{
    struct fm_held held[HELD_LIMIT];
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_HELLO);
    message.hello.version = FM_MESSAGE_VERSION;
    message.hello.boot = link->options.boot;
    message.hello.placement = link->options.placement;
    message.hello.net_slots = link->options.net_slots;
    message.hello.cpu_slots = link->options.cpu_slots;
    message.hello.software = FM_VERSION;
    message.hello.leases = list_held(link, held);
    send_now(link, &message);
    fm_message_done(&message);
}

/* Opens a fresh socket after closing the old one, whose unsent messages are dropped. */
static void reconnect(struct fm_link *link, int64_t now_ms)
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
    zsock_destroy(&link->socket);
    link->hello_at_ms = now_ms + link->round_ms;
}

/* Until the new HELLO is answered the link counts as not attached. */
static void schedule_hello(struct fm_link *link, int64_t now_ms)
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

static void try_next_broker(struct fm_link *link, int64_t now_ms)
{
    fm_log(FM_LOG_WARNING, "broker_silent", "address=%s", link->addresses[link->address]);
    link->address = (link->address + 1) % link->address_count;
    schedule_hello(link, now_ms);
}

/* ---- messages from the broker ---- */

static void handle_welcome(struct fm_link *link, const struct fm_welcome *welcome, int64_t now_ms)
{
    link->is_attached = true;
    link->hello_at_ms = FM_CLOCK_NEVER;
    link->round_ms = (int64_t)welcome->round_ms;
    link->heard_ms = now_ms;
    link->beat_at_ms = now_ms + link->round_ms;
    fm_log(FM_LOG_INFO, "attached", "broker=%s node=%s", link->addresses[link->address],
           welcome->node != NULL ? welcome->node : "?");
}

/* True for a message that the link does not pass on. WELCOME is used here and passed on too. */
static bool handle_own_message(struct fm_link *link, const struct fm_message *message,
                               int64_t now_ms)
{
    if (message->type == FM_MESSAGE_HEARTBEAT_ACK) {
        link->seen = message->heartbeat_ack.number;
        link->heard_ms = now_ms;
        return true;
    }
    if (message->type == FM_MESSAGE_REFUSE && message->refuse.reason == FM_REFUSAL_UNKNOWN) {
        schedule_hello(link, now_ms);
        return true;
    }
    if (message->type == FM_MESSAGE_WELCOME) {
        handle_welcome(link, &message->welcome, now_ms);
        return false;
    }
    /* Before WELCOME only a refusal has a meaning. */
    return !link->is_attached && message->type != FM_MESSAGE_REFUSE;
}

static void handle_frame(struct fm_link *link, zframe_t *frame, int64_t now_ms)
{
    struct fm_slice bytes = {(const char *)zframe_data(frame), zframe_size(frame)};
    struct fm_message message;
    struct fm_error err = {0};
    if (!fm_message_decode(bytes, FM_FROM_BROKER, &message, &err)) {
        link->dropped++;
        fm_log(FM_LOG_WARNING, "link_dropped", "count=%llu reason=\"%s\"",
               (unsigned long long)link->dropped, err.detail);
        return;
    }
    if (!handle_own_message(link, &message, now_ms)) {
        link->options.on_message(link->options.context, &message);
    }
    fm_message_done(&message);
}

/* ZeroMQ's descriptor signals only the change from empty to readable, so each tick must read until
 * nothing is left. */
static bool receive_frame(struct fm_link *link, int64_t now_ms)
{
    FM_AUTO(zframe_destroy)
    zframe_t *frame = link->socket != NULL ? zframe_recv(link->socket) : NULL;
    if (frame == NULL) {
        return false;
    }
    handle_frame(link, frame, now_ms);
    return true;
}

/* ---- outside ---- */

int64_t fm_link_tick(struct fm_link *link, int64_t now_ms)
{
    if (now_ms >= link->hello_at_ms) {
        reconnect(link, now_ms);
    }
    if (link->is_attached && now_ms >= link->beat_at_ms) {
        send_heartbeat(link, now_ms);
    }
    while (receive_frame(link, now_ms)) {
    }
    int64_t silent_at_ms = link->heard_ms + SILENT_ROUNDS * link->round_ms;
    if (link->hello_at_ms == FM_CLOCK_NEVER && now_ms >= silent_at_ms) {
        try_next_broker(link, now_ms);
    }
    int64_t wake_ms = fm_clock_earlier(link->hello_at_ms, silent_at_ms);
    return link->is_attached ? fm_clock_earlier(link->beat_at_ms, wake_ms) : wake_ms;
}

void fm_link_drain(struct fm_link *link, int64_t now_ms)
{
    link->options.net_slots = link->options.cpu_slots = 0;
    schedule_hello(link, now_ms);
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

static bool parse_addresses(struct fm_link *link, const char *brokers, struct fm_error *err)
{
    FM_AUTO_FREE char *copy = fm_strdup(brokers);
    char *rest = copy;
    char *word = NULL;
    while ((word = strsep(&rest, ", ")) != NULL) {
        if (*word == '\0') {
            continue;
        }
        if (link->address_count == ADDRESSES_LIMIT) {
            return fm_fail(err, FM_SETTING, "brokers lists more than %d addresses",
                           ADDRESSES_LIMIT);
        }
        struct fm_text address = {0};
        fm_text_format(&address, "%s%s", fm_text_starts(word, "tcp://") ? "" : "tcp://", word);
        link->addresses[link->address_count++] = fm_text_take(&address);
    }
    return link->address_count > 0 || fm_fail(err, FM_SETTING, "brokers lists no address");
}

static bool check_key(const char *key, struct fm_error *err)
{
    uint8_t bytes[32];
    if (strlen(key) != FM_LINK_KEY_SIZE - 1 || zmq_z85_decode(bytes, key) == NULL) {
        return fm_fail(err, FM_SETTING, "broker_public_key is not a CURVE key");
    }
    return true;
}

struct fm_link *fm_link_new(const struct fm_link_options *options, struct fm_error *err)
{
    struct fm_link *link = fm_alloc(sizeof(*link));
    link->options = *options;
    link->source.on_ready = ignore_ready;
    link->round_ms = FIRST_ROUND_MS;
    zsys_handler_set(NULL); /* before the first socket: czmq must not handle SIGINT and SIGTERM */
    if (!check_key(options->broker_public_key, err) ||
        !parse_addresses(link, options->brokers, err)) {
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
    for (size_t i = 0; i < (*link)->address_count; i++) {
        fm_memory_release(&(*link)->addresses[i]);
    }
    fm_memory_release(link);
    *link = NULL;
}

void fm_link_shutdown(void)
{
    zsys_shutdown();
}
