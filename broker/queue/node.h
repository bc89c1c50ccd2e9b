/*
 * The nodes that may use the link, in memory. The queue thread replaces the whole set when the node
 * epoch moves; the ZAP handler asks it at each handshake and the link at each message. It is empty
 * until PostgreSQL has been read once, so that an unread set admits nobody. Threads: any.
 */
#ifndef FM_BROKER_QUEUE_NODE_H
#define FM_BROKER_QUEUE_NODE_H

#include "broker/queue/tick_db.h"

struct fm_node_set;
struct fm_node_set *fm_node_set_new(void);
void fm_node_set_destroy(struct fm_node_set **set);
/* Replaces the set by copies of these nodes. */
void fm_node_set_replace(struct fm_node_set *set, const struct fm_tick_node *nodes, size_t count);
/* False until the set was replaced for the first time. */
bool fm_node_set_is_read(struct fm_node_set *set);
/* Finds a node by its public key (Z85). False: unknown. A revoked node is found, with is_revoked.
 */
bool fm_node_find(struct fm_node_set *set, const char *public_key, struct fm_tick_node *node);
bool fm_node_find_id(struct fm_node_set *set, const struct fm_id *id, struct fm_tick_node *node);

#endif
