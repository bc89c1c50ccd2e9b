/*
 * What a worker says, and what becomes of it: each message of the link answered, most of them by an
 * event for the queue. Before: link (a sound message of an admitted node). After: queue events;
 * answers leave after their commit. Threads: the queue thread.
 */
#ifndef FM_BROKER_QUEUE_REPORT_H
#define FM_BROKER_QUEUE_REPORT_H

#include "broker/queue/hub.h"

/* Takes the message: whatever it held is done or moved into an event. */
void fm_report_take(struct fm_hub *hub, const struct fm_link_route *from,
                    const struct fm_tick_node *node, struct fm_message *message);

#endif
