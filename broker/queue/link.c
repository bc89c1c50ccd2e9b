#include "broker/queue/link.h"

#include <czmq.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/memory.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define NODES_PAUSE_MS 20 /* between two checks whether the nodes were read */
#define ZAP_DOMAIN "fetchmedia"
/* High-water marks of ZeroMQ's queues, in messages for each connection. */
#define RECEIVED_PER_NODE 256
/* 512 leases may be held at once: room for a JOB for each, and for an answer before each JOB. */
#define SENT_PER_NODE 1280
/* ZMQ_ZAP_ENFORCE_DOMAIN: a draft name in 4.3's header, so czmq has no function for it. */
#define ENFORCE_DOMAIN 93
#define DROPS_A_CALL 256 /* then the queue thread's other work goes first */
/* Descriptors that the sockets and the actor take. Without one, czmq aborts the process. */
#define SOCKET_DESCRIPTORS 16
#define QUIET_MS 1000 /* between two log lines about dropped messages */
#define CURVE_KEY_SIZE 32
#define Z85_SIZE 41

struct fm_link {
    zsock_t *router;
    zactor_t *zap_actor;
    zsock_t *zap; /* used by the actor alone once it runs; the actor destroys it */
    struct fm_node_set *nodes;
    uint64_t dropped;
    int64_t quiet_until_ms; /* until then, drops are counted but not logged */
};

/* ---- ZAP (ZeroMQ RFC 27): one request for each handshake ---- */

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

/* The frames stay owned by the request. False if their number is not ZAP_FRAMES. */
static bool zap_read(zmsg_t *request, zframe_t *frames[ZAP_FRAMES])
{
    if (!request || zmsg_size(request) != ZAP_FRAMES) {
        return false;
    }
    frames[0] = zmsg_first(request);
    for (size_t i = 1; i < ZAP_FRAMES; i++) {
        frames[i] = zmsg_next(request);
    }
    return true;
}

/* True, with the key as Z85 text, for an active node of the set that uses CURVE in our domain. */
static bool zap_admits(struct fm_link *link, zframe_t *frames[ZAP_FRAMES], char key[Z85_SIZE])
{
    struct fm_tick_node node;
    return zframe_streq(frames[ZAP_IN_DOMAIN], ZAP_DOMAIN) &&
           zframe_streq(frames[ZAP_MECHANISM], "CURVE") &&
           zframe_size(frames[ZAP_KEY]) == CURVE_KEY_SIZE &&
           zmq_z85_encode(key, zframe_data(frames[ZAP_KEY]), CURVE_KEY_SIZE) &&
           fm_node_find(link->nodes, key, &node) && !node.is_revoked;
}

static void zap_answer(struct fm_link *link)
{
    FM_AUTO(zmsg_destroy) zmsg_t *request = zmsg_recv(link->zap);
    zframe_t *frames[ZAP_FRAMES];
    char key[Z85_SIZE] = "";
    if (!zap_read(request, frames)) {
        /* libzmq never sends this; but a REP socket must answer before it can receive again. */
        zsock_send(link->zap, "s", "");
        return;
    }
    bool is_admitted = zap_admits(link, frames, key);
    zsock_send(link->zap, "sfssss", "1.0", frames[ZAP_REQUEST], is_admitted ? "200" : "400", "",
               is_admitted ? key : "", "");
}

/* The actor's thread. Until the nodes have been read once, it leaves every client waiting in its
 * handshake, because a client that is refused does not connect again by itself. */
static void zap_run(zsock_t *pipe, void *argument)
{
    struct fm_link *link = argument;
    zpoller_t *poller = zpoller_new(pipe, NULL);
    bool is_read = false;
    void *ready = NULL;
    zsock_signal(pipe, 0);
    while (ready != pipe) {
        ready = zpoller_wait(poller, is_read ? -1 : NODES_PAUSE_MS);
        if (ready == link->zap) {
            zap_answer(link);
        }
        if (!is_read && fm_node_set_is_read(link->nodes)) {
            is_read = zpoller_add(poller, link->zap) == 0;
        }
    }
    zpoller_destroy(&poller);
    /* Frees the name at once; after zsock_destroy alone it stays taken for a moment. */
    zsock_unbind(link->zap, ZAP_ENDPOINT);
    zsock_destroy(&link->zap);
}

static bool zap_start(struct fm_link *link, struct fm_error *err)
{
    link->zap = zsock_new(ZMQ_REP);
    if (zsock_bind(link->zap, ZAP_ENDPOINT) != 0) {
        return fm_fail(err, FM_SYSTEM, "zap: %s", zmq_strerror(errno));
    }
    link->zap_actor = zactor_new(zap_run, link);
    return true;
}

/* ---- the ROUTER ---- */

static bool router_secure(zsock_t *router, const struct fm_secrets *secrets)
{
    const int enforce = 1;
    zsock_set_curve_server(router, 1);
    zsock_set_curve_secretkey(router, secrets->curve_secret);
    zsock_set_zap_domain(router, ZAP_DOMAIN);
    return zmq_setsockopt(zsock_resolve(router), ENFORCE_DOMAIN, &enforce, sizeof enforce) == 0;
}

/* Nothing here ever blocks: all timeouts are 0. ROUTER_MANDATORY makes a send to a connection that
 * is gone fail instead of dropping the message silently. Milliseconds. */
static void router_limit(zsock_t *router)
{
    zsock_set_maxmsgsize(router, FM_PACK_LIMIT);
    zsock_set_router_mandatory(router, 1);
    zsock_set_sndhwm(router, SENT_PER_NODE);
    zsock_set_rcvhwm(router, RECEIVED_PER_NODE);
    zsock_set_rcvtimeo(router, 0);
    zsock_set_sndtimeo(router, 0);
    zsock_set_linger(router, 0);
    zsock_set_heartbeat_ivl(router, 2000);
    zsock_set_heartbeat_timeout(router, 6000);
    zsock_set_heartbeat_ttl(router, 8000);
}

static bool router_open(struct fm_link *link, const char *listen, const struct fm_secrets *secrets,
                        struct fm_error *err)
{
    link->router = zsock_new(ZMQ_ROUTER);
    router_limit(link->router);
    if (!router_secure(link->router, secrets)) {
        return fm_fail(err, FM_SYSTEM, "link: %s", zmq_strerror(errno));
    }
    return zsock_bind(link->router, "tcp://%s", listen) >= 0 ||
           fm_fail(err, FM_SETTING, "link_listen %s: %s", listen, zmq_strerror(errno));
}

bool fm_link_open(const char *listen, const struct fm_secrets *secrets, struct fm_node_set *nodes,
                  struct fm_link **link, struct fm_error *err)
{
    struct fm_link *fresh = fm_alloc(sizeof *fresh);
    fresh->nodes = nodes;
    zsys_handler_set(NULL); /* before the first socket: SIGINT and SIGTERM stay ours */
    if (!fm_file_check_free(SOCKET_DESCRIPTORS, err) || !zap_start(fresh, err) ||
        !router_open(fresh, listen, secrets, err)) {
        fm_link_close(&fresh);
        return false;
    }
    *link = fresh;
    return true;
}

void fm_link_close(struct fm_link **link)
{
    if (!*link) {
        return;
    }
    struct fm_link *old = fm_steal(*link);
    zsock_destroy(&old->router);
    zactor_destroy(&old->zap_actor);
    zsock_destroy(&old->zap);
    fm_memory_release(&old);
}

void fm_link_shutdown(void)
{
    zsys_shutdown();
}

int fm_link_fd(const struct fm_link *link)
{
    return zsock_fd(link->router);
}

/* Reads one whole multipart message: the route, and its only other frame; *frame is NULL if there
 * is not exactly one. False: no message is ready. */
static bool receive_frames(struct fm_link *link, struct fm_link_route *from, zframe_t **frame)
{
    FM_AUTO(zframe_destroy) zframe_t *route = zframe_recv(link->router);
    if (!route) {
        return false;
    }
    size_t length = zframe_size(route);
    from->length = length < sizeof from->bytes ? length : sizeof from->bytes;
    memcpy(from->bytes, zframe_data(route), from->length);
    *frame = zframe_more(route) ? zframe_recv(link->router) : NULL;
    if (*frame && zframe_more(*frame)) {
        zframe_destroy(frame);
        zsock_flush(link->router);
    }
    return true;
}

/* Finds the node by the User-Id that the ZAP handler gave to the connection: its public key. */
static bool admitted_node(struct fm_link *link, zframe_t *frame, struct fm_tick_node *node)
{
    const char *key = frame ? zframe_meta(frame, "User-Id") : NULL;
    return key && fm_node_find(link->nodes, key, node);
}

/* Logs at most one line in QUIET_MS, so that a faulty peer cannot fill the log. */
static void count_dropped(struct fm_link *link, const char *node, const char *why)
{
    int64_t now_ms = fm_clock_ms();
    link->dropped++;
    if (now_ms < link->quiet_until_ms) {
        return;
    }
    link->quiet_until_ms = now_ms + QUIET_MS;
    fm_log(FM_LOG_WARNING, "link_dropped", "node=%s total=%llu why=\"%s\"", node,
           (unsigned long long)link->dropped, why);
}

static bool decode_frame(zframe_t *frame, struct fm_message *message, struct fm_error *err)
{
    struct fm_slice bytes = {(const char *)zframe_data(frame), zframe_size(frame)};
    return fm_message_decode(bytes, FM_FROM_WORKER, message, err);
}

bool fm_link_receive(struct fm_link *link, struct fm_link_route *from, struct fm_tick_node *node,
                     struct fm_message *message)
{
    bool found = false;
    zframe_t *frame = NULL;
    for (int i = 0; i < DROPS_A_CALL && !found && receive_frames(link, from, &frame); i++) {
        struct fm_error err = {0};
        bool is_known = admitted_node(link, frame, node);
        found = is_known && decode_frame(frame, message, &err);
        if (!found) {
            count_dropped(link, is_known ? node->name : "?", is_known ? err.detail : "no node");
        }
        zframe_destroy(&frame);
    }
    return found;
}

bool fm_link_has_more(const struct fm_link *link)
{
    return zsock_events(link->router) & ZMQ_POLLIN;
}

bool fm_link_send(struct fm_link *link, const struct fm_link_route *to,
                  const struct fm_message *message)
{
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    struct fm_error err = {0};
    if (!fm_message_encode(message, &bytes, &err)) {
        fm_log_failure("link_encode", &err);
        return false;
    }
    FM_AUTO(zframe_destroy) zframe_t *route = zframe_new(to->bytes, to->length);
    FM_AUTO(zframe_destroy) zframe_t *frame = zframe_new(bytes.data, bytes.length);
    return zframe_send(&route, link->router, ZFRAME_MORE) == 0 &&
           zframe_send(&frame, link->router, 0) == 0;
}

uint64_t fm_link_dropped(const struct fm_link *link)
{
    return link->dropped;
}
