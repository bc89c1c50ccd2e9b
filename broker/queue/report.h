/*
 * Handles each message that a worker sends: HELLO, HEARTBEAT, PROGRESS, RESULT and the others. Most
 * become an event of the queue, and are answered after its commit.
 * Before: link (a valid message of an admitted node). After: queue events, answers on the link.
 * Threads: the queue thread.
 */
#ifndef FM_BROKER_QUEUE_REPORT_H
#define FM_BROKER_QUEUE_REPORT_H

#include "broker/queue/hub.h"

/* Takes ownership of the message's memory: it is freed, or moved into an event. */
void fm_report_handle(struct fm_hub *hub, const struct fm_link_route *from,
                      const struct fm_tick_node *node, struct fm_message *message);

#endif
