/*
 * Counts the moves of jobs: started, retried, ended by outcome and error, and so on.
 * Threads: any; relaxed atomics that nothing decides by.
 */
#ifndef FM_BROKER_QUEUE_QUEUE_METRICS_H
#define FM_BROKER_QUEUE_QUEUE_METRICS_H

#include "broker/metrics/metrics.h"
#include "broker/queue/queue.h"

/* Counts a move that has its outcome. */
void fm_queue_metrics_event(const struct fm_queue_event *event);
/* Appends how many jobs ended, by outcome and error. */
void fm_queue_metrics_list(struct fm_metrics_list *list);

#endif
