/*
 * The set of nodes in memory: who may speak on the link. Replaced whole by the queue thread when
 * the node epoch moves, asked by the ZAP handler at each handshake and by the link at each message.
 * Empty until PostgreSQL was read once: it fails closed. Threads: any.
 */
#ifndef FM_BROKER_QUEUE_NODE_H
#define FM_BROKER_QUEUE_NODE_H

#include "broker/queue/tick_db.h"

struct fm_node_set;
struct fm_node_set *fm_node_set_new(void);
void fm_node_set_destroy(struct fm_node_set **set);
/* Copies; what was there is gone. */
void fm_node_set_replace(struct fm_node_set *set, const struct fm_tick_node *nodes, size_t count);
/* False until the set was replaced for the first time. */
bool fm_node_set_is_read(struct fm_node_set *set);
/* By public key (Z85); false when unknown. A revoked node is found, and says so. */
bool fm_node_find(struct fm_node_set *set, const char *public_key, struct fm_tick_node *node);
bool fm_node_find_id(struct fm_node_set *set, const struct fm_id *id, struct fm_tick_node *node);

#endif
