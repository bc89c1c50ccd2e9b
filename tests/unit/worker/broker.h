/*
 * Plays the broker in tests of the worker: a CURVE ROUTER and a ZAP handler that admits one key.
 * The test's own thread serves both, whenever it calls broker_step.
 */
#ifndef FM_TESTS_UNIT_WORKER_BROKER_H
#define FM_TESTS_UNIT_WORKER_BROKER_H

#include "tests/unit/worker/unit.h"

#include <czmq.h>

#include "proto/message.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_ENFORCE_DOMAIN 93
#define ROUTE_SIZE 32

struct broker {
    zsock_t *zap, *router;
    bool owns_zap;
    char public[41], secret[41];
    char endpoint[64];    /* tcp://127.0.0.1:PORT */
    const char *admitted; /* the worker's public key; NULL: nobody */
    uint8_t route[ROUTE_SIZE];
    size_t route_length; /* of the last message's sender */
};

static inline void broker_make_keys(struct broker *broker, const struct broker *like)
{
    FM_AUTO(zcert_destroy) zcert_t *pair = zcert_new();
    assert_non_null(pair);
    memcpy(broker->public, like != NULL ? like->public : zcert_public_txt(pair), 41);
    memcpy(broker->secret, like != NULL ? like->secret : zcert_secret_txt(pair), 41);
}

/* `like`: an open broker of the same service, whose key and ZAP handler the new one shares, because
 * a process can have only one handler; or NULL. Close `like` before the new one. */
static inline void broker_open(struct broker *broker, const struct broker *like)
{
    const int one = 1;
    *broker = (struct broker){.owns_zap = like == NULL};
    broker_make_keys(broker, like);
    zsys_handler_set(NULL);
    broker->zap = like != NULL ? like->zap : zsock_new(ZMQ_REP);
    assert_true(!broker->owns_zap || zsock_bind(broker->zap, ZAP_ENDPOINT) == 0);
    broker->router = zsock_new(ZMQ_ROUTER);
    zsock_set_curve_server(broker->router, 1);
    zsock_set_curve_secretkey(broker->router, broker->secret);
    zsock_set_zap_domain(broker->router, "link");
    assert_int_equal(
        zmq_setsockopt(zsock_resolve(broker->router), ZAP_ENFORCE_DOMAIN, &one, sizeof(one)), 0);
    int port = zsock_bind(broker->router, "tcp://127.0.0.1:!");
    assert_true(port > 0);
    snprintf(broker->endpoint, sizeof(broker->endpoint), "tcp://127.0.0.1:%d", port);
}

static inline void broker_close(struct broker *broker)
{
    zsock_destroy(&broker->router);
    if (broker->owns_zap) {
        /* Frees the name at once; destroying the socket alone would free it a moment later. */
        zsock_unbind(broker->zap, ZAP_ENDPOINT);
        zsock_destroy(&broker->zap);
    }
}

/* ZAP (RFC 27): version, request id, domain, address, identity, mechanism, credentials. */
static inline void broker_answer_zap(struct broker *broker)
{
    FM_AUTO(zmsg_destroy) zmsg_t *request = zmsg_recv(broker->zap);
    char key[41] = "";
    assert_int_equal(zmsg_size(request), 7);
    zmsg_first(request);
    zframe_t *id = zmsg_next(request);
    zmq_z85_encode(key, zframe_data(zmsg_last(request)), 32);
    bool is_admitted = broker->admitted != NULL && strcmp(key, broker->admitted) == 0;
    assert_int_equal(
        zsock_send(broker->zap, "sfssss", "1.0", id, is_admitted ? "200" : "400", "", "", ""), 0);
}

static inline void broker_take_route(struct broker *broker)
{
    FM_AUTO(zframe_destroy) zframe_t *route = zframe_recv(broker->router);
    broker->route_length = zframe_size(route);
    assert_in_range(broker->route_length, 1, ROUTE_SIZE);
    memcpy(broker->route, zframe_data(route), broker->route_length);
}

/* Serves what arrives within `wait_ms`. True: a message came, and the caller must fm_message_done()
 * it. */
static inline bool broker_step(struct broker *broker, int wait_ms, struct fm_message *message)
{
    struct fm_error err = {0};
    zmq_pollitem_t items[] = {{zsock_resolve(broker->zap), 0, ZMQ_POLLIN, 0},
                              {zsock_resolve(broker->router), 0, ZMQ_POLLIN, 0}};
    assert_true(zmq_poll(items, 2, wait_ms) >= 0);
    if (items[0].revents != 0) {
        broker_answer_zap(broker);
    }
    if (items[1].revents == 0) {
        return false;
    }
    broker_take_route(broker);
    FM_AUTO(zframe_destroy) zframe_t *frame = zframe_recv(broker->router);
    struct fm_slice bytes = {(const char *)zframe_data(frame), zframe_size(frame)};
    if (!fm_message_decode(bytes, FM_FROM_WORKER, message, &err)) {
        fail_msg("the worker sent a message that cannot be decoded: %s", err.detail);
    }
    return true;
}

/* Sends the message to the last sender, and frees it. */
static inline void broker_say(struct broker *broker, struct fm_message *message)
{
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    struct fm_error err = {0};
    assert_true(fm_message_encode(message, &bytes, &err));
    zframe_t *route = zframe_new(broker->route, broker->route_length);
    zframe_t *frame = zframe_new(bytes.data, bytes.length);
    assert_int_equal(zframe_send(&route, broker->router, ZFRAME_MORE), 0);
    assert_int_equal(zframe_send(&frame, broker->router, 0), 0);
    fm_message_done(message);
}

static inline void broker_welcome(struct broker *broker, uint64_t round_ms)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_WELCOME);
    message.welcome.round_ms = round_ms;
    message.welcome.node = "test";
    broker_say(broker, &message);
}

#endif
