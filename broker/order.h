/*
 * Which key next: short windows of waiting keys per pool, lanes weighted 4 : 2 : 1, round robin
 * over accounts inside a lane. A cache: forgotten at will, refilled by the tick. Pure: no SQL, no
 * socket, no clock. Threads: one.
 */
#ifndef FM_BROKER_ORDER_H
#define FM_BROKER_ORDER_H

#include "broker/tick.h"

struct fm_order;
struct fm_order *fm_order_new(void);
void fm_order_destroy(struct fm_order **order);

/* Replaces the pool's window by these heads (in the order given inside each account and lane); the
 * place of each account in the round stays. */
void fm_order_refill(struct fm_order *order, const char *pool, const struct fm_tick_head *heads,
                     size_t count);
/* A look at the waiting keys begins, the one that refill is told next: it sees every claim that is
 * settled by now. */
void fm_order_look(struct fm_order *order);
/* The claim of a taken key is committed, or failed. Until then, and by a look that began before,
 * refill does not put it back: it would be claimed in vain, at its lane's expense. */
void fm_order_settle(struct fm_order *order, const struct fm_id *id);
/* Takes the next key for a node, passing over those that should avoid it while `may_avoid`. False:
 * none known. */
bool fm_order_next(struct fm_order *order, const char *pool, const struct fm_id *node,
                   bool may_avoid, struct fm_tick_head *head);
bool fm_order_is_empty(const struct fm_order *order, const char *pool);
/* Every window is emptied; places in the round stay. */
void fm_order_forget(struct fm_order *order);

#endif
