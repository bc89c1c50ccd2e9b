/*
 * A broker for the tests of this room: a CURVE ROUTER and a ZAP handler that admits one key, both
 * served by the test's own thread whenever it listens.
 */
#ifndef FM_TESTS_UNIT_WORKER_BROKER_H
#define FM_TESTS_UNIT_WORKER_BROKER_H

#include "tests/unit/worker/unit.h"

#include <zmq.h>

#include "proto/message.h"

#define ZAP_ENFORCE_DOMAIN 93
#define ROUTE_SIZE 32

struct broker {
    void *context, *zap, *router;
    char public[41], secret[41];
    char endpoint[64];    /* tcp://127.0.0.1:PORT */
    const char *admitted; /* the worker's public key; NULL: nobody */
    uint8_t route[ROUTE_SIZE];
    size_t route_length; /* of the last message's sender */
};

static inline void broker_set(void *socket, int option, const void *value, size_t length)
{
    assert_int_equal(zmq_setsockopt(socket, option, value, length), 0);
}

/* `like`: another broker of the same service, whose key it shares; or NULL. */
static inline void broker_open(struct broker *broker, const struct broker *like)
{
    const int one = 1;
    const int zero = 0;
    size_t length = sizeof(broker->endpoint);
    *broker = (struct broker){0};
    assert_int_equal(zmq_curve_keypair(broker->public, broker->secret), 0);
    if (like != NULL) {
        memcpy(broker->public, like->public, sizeof(broker->public));
        memcpy(broker->secret, like->secret, sizeof(broker->secret));
    }
    broker->context = zmq_ctx_new();
    broker->zap = zmq_socket(broker->context, ZMQ_REP);
    broker->router = zmq_socket(broker->context, ZMQ_ROUTER);
    broker_set(broker->zap, ZMQ_LINGER, &zero, sizeof(zero));
    assert_int_equal(zmq_bind(broker->zap, "inproc://zeromq.zap.01"), 0);
    broker_set(broker->router, ZMQ_LINGER, &zero, sizeof(zero));
    broker_set(broker->router, ZMQ_CURVE_SERVER, &one, sizeof(one));
    broker_set(broker->router, ZMQ_CURVE_SECRETKEY, broker->secret, 40);
    broker_set(broker->router, ZMQ_ZAP_DOMAIN, "link", 4);
    broker_set(broker->router, ZAP_ENFORCE_DOMAIN, &one, sizeof(one));
    assert_int_equal(zmq_bind(broker->router, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(broker->router, ZMQ_LAST_ENDPOINT, broker->endpoint, &length),
                     0);
}

static inline void broker_close(struct broker *broker)
{
    zmq_close(broker->router);
    zmq_close(broker->zap);
    zmq_ctx_term(broker->context);
}

static inline size_t broker_receive_part(void *socket, void *out, size_t size)
{
    int got = zmq_recv(socket, out, size, 0);
    assert_in_range(got, 0, size);
    return (size_t)got;
}

/* ZAP (RFC 27): version, request id, domain, address, identity, mechanism, credentials. */
static inline void broker_answer_zap(struct broker *broker)
{
    char parts[7][64] = {{0}};
    char key[41] = "";
    for (size_t i = 0; i < 7; i++) {
        broker_receive_part(broker->zap, parts[i], sizeof(parts[i]) - 1);
    }
    zmq_z85_encode(key, (const uint8_t *)parts[6], 32);
    bool is_admitted = broker->admitted != NULL && strcmp(key, broker->admitted) == 0;
    const char *answer[] = {"1.0", parts[1], is_admitted ? "200" : "400", "", "", ""};
    for (size_t i = 0; i < FM_COUNT(answer); i++) {
        int more = i + 1 < FM_COUNT(answer) ? ZMQ_SNDMORE : 0;
        assert_true(zmq_send(broker->zap, answer[i], strlen(answer[i]), more) >= 0);
    }
}

/* Serves what comes within `wait_ms`; true with a message, which the caller has done. */
static inline bool broker_step(struct broker *broker, int wait_ms, struct fm_message *message)
{
    static char frame[65536];
    struct fm_error err = {0};
    zmq_pollitem_t items[] = {{broker->zap, 0, ZMQ_POLLIN, 0}, {broker->router, 0, ZMQ_POLLIN, 0}};
    assert_true(zmq_poll(items, 2, wait_ms) >= 0);
    if (items[0].revents != 0) {
        broker_answer_zap(broker);
    }
    if (items[1].revents == 0) {
        return false;
    }
    broker->route_length = broker_receive_part(broker->router, broker->route, ROUTE_SIZE);
    size_t length = broker_receive_part(broker->router, frame, sizeof(frame));
    struct fm_slice bytes = {frame, length};
    if (!fm_message_decode(bytes, FM_FROM_WORKER, message, &err)) {
        fail_msg("the worker said nonsense: %s", err.detail);
    }
    return true;
}

/* To the last sender. Done with the message. */
static inline void broker_say(struct broker *broker, struct fm_message *message)
{
    FM_AUTO(fm_text_done) struct fm_text frame = {0};
    struct fm_error err = {0};
    assert_true(fm_message_encode(message, &frame, &err));
    assert_true(zmq_send(broker->router, broker->route, broker->route_length, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(broker->router, frame.data, frame.length, 0) >= 0);
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
