#include "broker/queue/link.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define NODES_PAUSE_MS 20 /* between two looks whether the nodes were read */
#define STOP_ENDPOINT "inproc://fetchmedia.stop"
#define ZAP_DOMAIN "fetchmedia"
#define HEARD_PER_NODE 256
/* A JOB for each lease a node can hold at once, and an answer before each. */
#define TOLD_PER_NODE 1280
#define ENFORCE_DOMAIN                                                                             \
    93 /* ZMQ_ZAP_ENFORCE_DOMAIN: a draft name in 4.3's header, there all the same */
#define DROPS_A_CALL 256 /* then the queue thread's other work goes first */
#define QUIET_MS 1000
#define CURVE_KEY_SIZE 32
#define Z85_SIZE 41

struct fm_link {
    void *context;
    void *router;
    void *zap;
    void *stop; /* the queue thread's end; a word on it ends the ZAP thread */
    pthread_t zap_thread;
    bool has_zap_thread;
    struct fm_node_set *nodes;
    int fd;
    uint64_t dropped;
    int64_t quiet_until_ms; /* the log has a drop of late */
};

/* ---- ZAP (RFC 27): one request a handshake ---- */

enum {
    ZAP_VERSION,
    ZAP_REQUEST,
    ZAP_IN_DOMAIN,
    ZAP_ADDRESS,
    ZAP_IDENTITY,
    ZAP_MECHANISM,
    ZAP_KEY,
    ZAP_FRAMES
};

static bool zap_read(void *zap, zmq_msg_t frames[ZAP_FRAMES])
{
    int more = 1;
    size_t got = 0;
    while (more) {
        zmq_msg_t frame;
        zmq_msg_init(&frame);
        if (zmq_msg_recv(&frame, zap, 0) < 0) {
            zmq_msg_close(&frame);
            return false;
        }
        more = zmq_msg_more(&frame);
        if (got < ZAP_FRAMES)
            zmq_msg_move(&frames[got], &frame);
        zmq_msg_close(&frame);
        got++;
    }
    return got == ZAP_FRAMES;
}

static bool frame_is(zmq_msg_t *frame, const char *text)
{
    return zmq_msg_size(frame) == strlen(text) &&
           memcmp(zmq_msg_data(frame), text, strlen(text)) == 0;
}

/* True, with the key's text, for an active node of the set speaking CURVE in our domain. */
static bool zap_admits(struct fm_link *link, zmq_msg_t frames[ZAP_FRAMES], char key[Z85_SIZE])
{
    struct fm_tick_node node;
    return frame_is(&frames[ZAP_IN_DOMAIN], ZAP_DOMAIN) &&
           frame_is(&frames[ZAP_MECHANISM], "CURVE") &&
           zmq_msg_size(&frames[ZAP_KEY]) == CURVE_KEY_SIZE &&
           zmq_z85_encode(key, zmq_msg_data(&frames[ZAP_KEY]), CURVE_KEY_SIZE) &&
           fm_node_find(link->nodes, key, &node) && !node.is_revoked;
}

static void zap_answer(struct fm_link *link)
{
    zmq_msg_t frames[ZAP_FRAMES];
    for (size_t i = 0; i < ZAP_FRAMES; i++)
        zmq_msg_init(&frames[i]);
    bool is_whole = zap_read(link->zap, frames);
    char key[Z85_SIZE] = "";
    bool admitted = is_whole && zap_admits(link, frames, key);
    const char *status = admitted ? "200" : "400";
    zmq_send(link->zap, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(link->zap, zmq_msg_data(&frames[ZAP_REQUEST]), zmq_msg_size(&frames[ZAP_REQUEST]),
             ZMQ_SNDMORE);
    zmq_send(link->zap, status, 3, ZMQ_SNDMORE);
    zmq_send(link->zap, "", 0, ZMQ_SNDMORE);
    zmq_send(link->zap, admitted ? key : "", admitted ? strlen(key) : 0, ZMQ_SNDMORE);
    zmq_send(link->zap, "", 0, 0);
    for (size_t i = 0; i < ZAP_FRAMES; i++)
        zmq_msg_close(&frames[i]);
}

/* Until the nodes were read once, who comes waits in its handshake: a client that is refused would
 * not connect again by itself. */
static void *zap_run(void *argument)
{
    struct fm_link *link = argument;
    void *stop = zmq_socket(link->context, ZMQ_PAIR);
    zmq_connect(stop, STOP_ENDPOINT);
    zmq_pollitem_t items[] = {{stop, 0, ZMQ_POLLIN, 0}, {link->zap, 0, ZMQ_POLLIN, 0}};
    bool is_read = false;
    while (zmq_poll(items, is_read ? 2 : 1, is_read ? -1 : NODES_PAUSE_MS) >= 0 || errno == EINTR) {
        if (items[0].revents)
            break;
        if (items[1].revents)
            zap_answer(link);
        is_read = is_read || fm_node_set_is_read(link->nodes);
    }
    zmq_close(stop);
    return NULL;
}

static bool zap_start(struct fm_link *link, struct fm_error *err)
{
    link->zap = zmq_socket(link->context, ZMQ_REP);
    link->stop = zmq_socket(link->context, ZMQ_PAIR);
    if (!link->zap || zmq_bind(link->zap, ZAP_ENDPOINT) != 0)
        return fm_fail(err, FM_SYSTEM, "zap: %s", zmq_strerror(errno));
    if (!link->stop || zmq_bind(link->stop, STOP_ENDPOINT) != 0)
        return fm_fail(err, FM_SYSTEM, "zap stop: %s", zmq_strerror(errno));
    link->has_zap_thread = pthread_create(&link->zap_thread, NULL, zap_run, link) == 0;
    return link->has_zap_thread || fm_fail(err, FM_SYSTEM, "zap: no thread");
}

/* ---- the ROUTER ---- */

static bool set_number(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool router_secure(void *router, const struct fm_secrets *secrets)
{
    return set_number(router, ZMQ_CURVE_SERVER, 1) &&
           zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, secrets->curve_secret, Z85_SIZE) == 0 &&
           zmq_setsockopt(router, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) == 0 &&
           set_number(router, ENFORCE_DOMAIN, 1);
}

static bool router_limit(void *router)
{
    int64_t largest = FM_PACK_LIMIT;
    return zmq_setsockopt(router, ZMQ_MAXMSGSIZE, &largest, sizeof largest) == 0 &&
           set_number(router, ZMQ_ROUTER_MANDATORY, 1) &&
           set_number(router, ZMQ_SNDHWM, TOLD_PER_NODE) &&
           set_number(router, ZMQ_RCVHWM, HEARD_PER_NODE) && set_number(router, ZMQ_LINGER, 0) &&
           set_number(router, ZMQ_HEARTBEAT_IVL, 2000) &&
           set_number(router, ZMQ_HEARTBEAT_TIMEOUT, 6000) &&
           set_number(router, ZMQ_HEARTBEAT_TTL, 8000);
}

static bool router_open(struct fm_link *link, const char *listen, const struct fm_secrets *secrets,
                        struct fm_error *err)
{
    char endpoint[160];
    snprintf(endpoint, sizeof endpoint, "tcp://%s", listen);
    link->router = zmq_socket(link->context, ZMQ_ROUTER);
    if (!link->router || !router_secure(link->router, secrets) || !router_limit(link->router))
        return fm_fail(err, FM_SYSTEM, "link: %s", zmq_strerror(errno));
    if (zmq_bind(link->router, endpoint) != 0)
        return fm_fail(err, FM_SETTING, "link_listen %s: %s", listen, zmq_strerror(errno));
    size_t size = sizeof link->fd;
    return zmq_getsockopt(link->router, ZMQ_FD, &link->fd, &size) == 0 ||
           fm_fail(err, FM_SYSTEM, "link: %s", zmq_strerror(errno));
}

bool fm_link_open(const char *listen, const struct fm_secrets *secrets, struct fm_node_set *nodes,
                  struct fm_link **link, struct fm_error *err)
{
    struct fm_link *fresh = fm_alloc(sizeof *fresh);
    fresh->context = zmq_ctx_new();
    fresh->nodes = nodes;
    fresh->fd = -1;
    if (!zap_start(fresh, err) || !router_open(fresh, listen, secrets, err)) {
        fm_link_close(&fresh);
        return false;
    }
    *link = fresh;
    return true;
}

void fm_link_close(struct fm_link **link)
{
    if (!*link)
        return;
    struct fm_link *old = fm_steal(*link);
    if (old->router)
        zmq_close(old->router);
    if (old->has_zap_thread) {
        zmq_send(old->stop, "", 0, 0);
        pthread_join(old->zap_thread, NULL);
    }
    if (old->stop)
        zmq_close(old->stop);
    if (old->zap)
        zmq_close(old->zap);
    zmq_ctx_term(old->context);
    fm_memory_release(&old);
}

int fm_link_fd(const struct fm_link *link)
{
    return link->fd;
}

/* Reads one whole multipart message: the route, then exactly one frame. Empty when the shape is
 * another. */
static bool receive_frames(struct fm_link *link, struct fm_link_route *from, zmq_msg_t *frame)
{
    int length = zmq_recv(link->router, from->bytes, sizeof from->bytes, ZMQ_DONTWAIT);
    if (length < 0)
        return false;
    from->length = (size_t)length < sizeof from->bytes ? (size_t)length : sizeof from->bytes;
    int more = 1;
    size_t parts = 0;
    while (more && zmq_msg_recv(frame, link->router, ZMQ_DONTWAIT) >= 0) {
        more = zmq_msg_more(frame);
        parts++;
    }
    if (parts != 1) {
        zmq_msg_close(frame);
        zmq_msg_init(frame);
    }
    return true;
}

/* The node behind a frame, by its connection's User-Id. */
static bool admitted_node(struct fm_link *link, zmq_msg_t *frame, struct fm_tick_node *node)
{
    const char *key = zmq_msg_gets(frame, "User-Id");
    return key && fm_node_find(link->nodes, key, node);
}

/* A peer that sends nothing else does not fill the log. */
static void count_dropped(struct fm_link *link, const char *node, const char *why)
{
    int64_t now_ms = fm_clock_ms();
    link->dropped++;
    if (now_ms < link->quiet_until_ms)
        return;
    link->quiet_until_ms = now_ms + QUIET_MS;
    fm_log(FM_LOG_WARNING, "link_dropped", "node=%s total=%llu why=\"%s\"", node,
           (unsigned long long)link->dropped, why);
}

bool fm_link_receive(struct fm_link *link, struct fm_link_route *from, struct fm_tick_node *node,
                     struct fm_message *message)
{
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    bool found = false;
    for (int i = 0; i < DROPS_A_CALL && !found && receive_frames(link, from, &frame); i++) {
        struct fm_error err = {0};
        struct fm_slice bytes = {zmq_msg_data(&frame), zmq_msg_size(&frame)};
        bool is_known = admitted_node(link, &frame, node);
        found = is_known && fm_message_decode(bytes, FM_FROM_WORKER, message, &err);
        if (!found)
            count_dropped(link, is_known ? node->name : "?", is_known ? err.detail : "no node");
    }
    zmq_msg_close(&frame);
    return found;
}

bool fm_link_has_more(const struct fm_link *link)
{
    int events = 0;
    size_t size = sizeof events;
    return zmq_getsockopt(link->router, ZMQ_EVENTS, &events, &size) == 0 && (events & ZMQ_POLLIN);
}

bool fm_link_send(struct fm_link *link, const struct fm_link_route *to,
                  const struct fm_message *message)
{
    FM_AUTO(fm_text_done) struct fm_text frame = {0};
    struct fm_error err = {0};
    if (!fm_message_encode(message, &frame, &err)) {
        fm_log_failure("link_encode", &err);
        return false;
    }
    return zmq_send(link->router, to->bytes, to->length, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0 &&
           zmq_send(link->router, frame.data, frame.length, ZMQ_DONTWAIT) >= 0;
}

uint64_t fm_link_dropped(const struct fm_link *link)
{
    return link->dropped;
}
