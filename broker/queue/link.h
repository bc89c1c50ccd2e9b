/*
 * The broker's end of the link: a CURVE ROUTER and its own ZAP handler. Identity is the CURVE key:
 * the handler admits only nodes of the set, and every message's User-Id is looked up again, so a
 * revoked node is heard no more. Owns: the ROUTER, the ZAP handler's actor. Threads: the queue
 * thread alone, but for the actor inside. The ZeroMQ context is czmq's, one for the process: the
 * first socket opens it, fm_link_shutdown ends it. SIGINT and SIGTERM stay ours.
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

/* Starts the ZAP handler, then binds `listen` ("127.0.0.1:8081"). `nodes` is borrowed. One link at
 * a time: a process has one ZAP handler. */
bool fm_link_open(const char *listen, const struct fm_secrets *secrets, struct fm_node_set *nodes,
                  struct fm_link **link, struct fm_error *err) FM_MUST_CHECK;
void fm_link_close(struct fm_link **link);
/* From main, at its end, once the link is closed: waits until its sockets are gone and the port is
 * free. No link can be opened again after it, for czmq 4.2 destroys its own lock. */
void fm_link_shutdown(void);
/* Readable means "perhaps": ask fm_link_receive until it says no (ZeroMQ's descriptor is
 * edge-triggered). */
int fm_link_fd(const struct fm_link *link);

/* The next sound message of an admitted node; the caller has the message done. False: nothing more,
 * or so much that is unsound that other work goes first: fm_link_has_more tells.
 * What breaks the protocol is dropped and counted, as is any word of a node that is not in the set;
 * a revoked node's `node` says so. */
bool fm_link_receive(struct fm_link *link, struct fm_link_route *from, struct fm_tick_node *node,
                     struct fm_message *message);
/* True when a message stands ready: a send may have swallowed the descriptor's edge. */
bool fm_link_has_more(const struct fm_link *link);
/* Never waits; false when the route is gone or full: the caller treats it as a release. */
bool fm_link_send(struct fm_link *link, const struct fm_link_route *to,
                  const struct fm_message *message) FM_MUST_CHECK;
/* Messages dropped so far. */
uint64_t fm_link_dropped(const struct fm_link *link);

#endif
