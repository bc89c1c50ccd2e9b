/*
 * The broker's end of the link to its workers: a CURVE ROUTER socket and the ZAP handler that
 * authenticates its clients. The only file of the broker that may touch ZeroMQ sockets.
 * A node's identity is its CURVE key: the handler admits only active nodes of the set, and the
 * User-Id of every message is looked up again, so that a node revoked later is recognized.
 * Before: node (the set). After: report (decoded messages).
 * Owns: the ROUTER and the ZAP handler's actor. The ZeroMQ context belongs to czmq, one for the
 * process: the first socket opens it, fm_link_shutdown ends it.
 * Threads: the queue thread alone; the actor runs on a thread of its own.
 */
#ifndef FM_BROKER_QUEUE_LINK_H
#define FM_BROKER_QUEUE_LINK_H

#include "broker/config/secrets.h"
#include "broker/queue/node.h"
#include "proto/message.h"

#define FM_LINK_ROUTE_SIZE 32

/* Where an answer goes: the routing id of one connection. Not an identity. */
struct fm_link_route {
    uint8_t bytes[FM_LINK_ROUTE_SIZE];
    size_t length;
};

struct fm_link;

/* Starts the ZAP handler, then binds `listen` ("127.0.0.1:8081"). `nodes` is borrowed. A process
 * may have only one link at a time, since ZAP has one endpoint per process. Turns off czmq's signal
 * handlers, so SIGINT and SIGTERM stay with main. Fails with FM_SETTING if the address cannot be
 * bound. */
bool fm_link_open(const char *listen, const struct fm_secrets *secrets, struct fm_node_set *nodes,
                  struct fm_link **link, struct fm_error *err) FM_MUST_CHECK;
void fm_link_close(struct fm_link **link);
/* Called by main at its end, once the link is closed: waits until the sockets are gone and the port
 * is free. No link can be opened afterwards, because czmq 4.2 destroys its own lock. */
void fm_link_shutdown(void);
/* For poll(). ZeroMQ's descriptor is edge-triggered: once it is readable, call fm_link_receive
 * until it returns false and fm_link_has_more is false too. */
int fm_link_fd(const struct fm_link *link);

/* Receives the next valid message of a known node; the caller must call fm_message_done on it.
 * False: no message is left, or the call has dropped as many as it may and the thread's other work
 * goes first; fm_link_has_more tells them apart. Messages that break the protocol are dropped and
 * counted, and so are messages of nodes outside the set. A revoked node's messages are returned,
 * with `node->is_revoked` set. */
bool fm_link_receive(struct fm_link *link, struct fm_link_route *from, struct fm_tick_node *node,
                     struct fm_message *message);
/* True when a message is ready. Ask before sleeping: a send may have consumed the descriptor's
 * edge. */
bool fm_link_has_more(const struct fm_link *link);
/* Never waits. False when the connection is gone or its send queue is full: the message was not
 * sent, and the caller must act as if the worker will never receive it. */
bool fm_link_send(struct fm_link *link, const struct fm_link_route *to,
                  const struct fm_message *message) FM_MUST_CHECK;
/* The number of received messages dropped since the link was opened. */
uint64_t fm_link_dropped(const struct fm_link *link);

#endif
