#include "broker/order.h"

#include <assert.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "common/memory.h"
#include "proto/operations.h"

#define LANES FM_PRIORITY_COUNT

struct key {
    struct fm_tick_head head;
    struct key *next;
};

/* One account's place in a lane's round, and its waiting keys, oldest first. */
struct seat {
    struct fm_id account;
    struct key *keys, *last;
    struct seat *next, *prev;
    UT_hash_handle hh;
};

struct lane {
    struct seat *by_account; /* hash */
    struct seat *round;      /* list: whose turn is first */
    unsigned credit;
};

struct pool {
    char *name;
    struct lane lanes[LANES];
    size_t count; /* keys in all lanes */
    UT_hash_handle hh;
};

/* A key that was handed out. A look that began before its claim was committed still sees it
 * waiting. */
struct taken {
    struct fm_id id;
    bool is_settled;
    UT_hash_handle hh;
};

struct fm_order {
    struct pool *pools;
    struct taken *taken;
};

struct fm_order *fm_order_new(void)
{
    return fm_alloc(sizeof(struct fm_order));
}

static void seat_clear(struct seat *seat)
{
    while (seat->keys) {
        struct key *old = seat->keys;
        seat->keys = old->next;
        fm_memory_release(&old);
    }
    seat->last = NULL;
}

static void pool_clear(struct pool *pool)
{
    for (size_t i = 0; i < LANES; i++)
        for (struct seat *seat = pool->lanes[i].round; seat; seat = seat->next)
            seat_clear(seat);
    pool->count = 0;
}

static void seat_leave(struct lane *lane, struct seat *seat)
{
    assert(lane->by_account); /* who sits in the round stands in the hash */
    seat_clear(seat);
    HASH_DEL(lane->by_account, seat);
    DL_DELETE(lane->round, seat);
    fm_memory_release(&seat);
}

static void pool_destroy(struct pool *pool)
{
    for (size_t i = 0; i < LANES; i++)
        while (pool->lanes[i].round)
            seat_leave(&pool->lanes[i], pool->lanes[i].round);
    fm_memory_release(&pool->name);
    fm_memory_release(&pool);
}

static struct taken *taken_find(const struct fm_order *order, const struct fm_id *id)
{
    struct taken *taken = NULL;
    HASH_FIND(hh, order->taken, id, sizeof *id, taken);
    return taken;
}

static void taken_add(struct fm_order *order, const struct fm_id *id)
{
    struct taken *taken = taken_find(order, id);
    if (!taken) {
        taken = fm_alloc(sizeof *taken);
        taken->id = *id;
        HASH_ADD(hh, order->taken, id, sizeof taken->id, taken);
    }
    taken->is_settled = false;
}

static void taken_drop(struct fm_order *order, bool settled_alone)
{
    struct taken *taken, *next;
    HASH_ITER (hh, order->taken, taken, next) {
        if (settled_alone && !taken->is_settled)
            continue;
        HASH_DEL(order->taken, taken);
        fm_memory_release(&taken);
    }
}

void fm_order_settle(struct fm_order *order, const struct fm_id *id)
{
    struct taken *taken = taken_find(order, id);
    if (taken)
        taken->is_settled = true;
}

void fm_order_look(struct fm_order *order)
{
    taken_drop(order, true);
}

void fm_order_destroy(struct fm_order **order)
{
    if (!*order)
        return;
    taken_drop(*order, false);
    struct pool *pool, *next;
    HASH_ITER (hh, (*order)->pools, pool, next) {
        HASH_DEL((*order)->pools, pool);
        pool_destroy(pool);
    }
    fm_memory_release(order);
}

static struct pool *pool_find(const struct fm_order *order, const char *name)
{
    struct pool *pool = NULL;
    HASH_FIND_STR(order->pools, name, pool);
    return pool;
}

static struct pool *pool_get(struct fm_order *order, const char *name)
{
    struct pool *pool = pool_find(order, name);
    if (pool)
        return pool;
    pool = fm_alloc(sizeof *pool);
    pool->name = fm_strdup(name);
    HASH_ADD_KEYPTR(hh, order->pools, pool->name, strlen(pool->name), pool);
    return pool;
}

static struct seat *seat_get(struct lane *lane, const struct fm_id *account)
{
    struct seat *seat = NULL;
    HASH_FIND(hh, lane->by_account, account, sizeof *account, seat);
    if (seat)
        return seat;
    seat = fm_alloc(sizeof *seat);
    seat->account = *account;
    HASH_ADD(hh, lane->by_account, account, sizeof seat->account, seat);
    DL_APPEND(lane->round, seat);
    return seat;
}

static void seat_append(struct seat *seat, const struct fm_tick_head *head)
{
    struct key *key = fm_alloc(sizeof *key);
    key->head = *head;
    if (seat->last)
        seat->last->next = key;
    else
        seat->keys = key;
    seat->last = key;
}

static void lane_drop_idle(struct lane *lane)
{
    struct seat *seat, *next;
    DL_FOREACH_SAFE (lane->round, seat, next) {
        if (!seat->keys)
            seat_leave(lane, seat);
    }
}

void fm_order_refill(struct fm_order *order, const char *name, const struct fm_tick_head *heads,
                     size_t count)
{
    struct pool *pool = pool_get(order, name);
    pool_clear(pool);
    for (size_t i = 0; i < count; i++) {
        if (heads[i].lane >= LANES || taken_find(order, &heads[i].id))
            continue;
        seat_append(seat_get(&pool->lanes[heads[i].lane], &heads[i].account), &heads[i]);
        pool->count++;
    }
    for (size_t i = 0; i < LANES; i++)
        lane_drop_idle(&pool->lanes[i]);
}

/* Takes the seat's first key that suits the node. */
static bool seat_take(struct seat *seat, const struct fm_id *node, bool may_avoid,
                      struct fm_tick_head *head)
{
    struct key *before = NULL;
    struct key *key = seat->keys;
    while (key && may_avoid && fm_id_compare(&key->head.avoid, node) == 0) {
        before = key;
        key = key->next;
    }
    if (!key)
        return false;
    if (before)
        before->next = key->next;
    else
        seat->keys = key->next;
    if (seat->last == key)
        seat->last = before;
    *head = key->head;
    fm_memory_release(&key);
    return true;
}

/* The first account in the round that has one; it goes to the round's end. */
static bool lane_take(struct lane *lane, const struct fm_id *node, bool may_avoid,
                      struct fm_tick_head *head)
{
    for (struct seat *seat = lane->round; seat; seat = seat->next) {
        if (!seat_take(seat, node, may_avoid, head))
            continue;
        DL_DELETE(lane->round, seat);
        DL_APPEND(lane->round, seat);
        return true;
    }
    return false;
}

static bool pool_take(struct pool *pool, const struct fm_id *node, bool may_avoid,
                      struct fm_tick_head *head)
{
    for (size_t i = 0; i < LANES; i++) {
        struct lane *lane = &pool->lanes[i];
        if (lane->credit == 0 || !lane_take(lane, node, may_avoid, head))
            continue;
        lane->credit--;
        pool->count--;
        return true;
    }
    return false;
}

/* No lane with credit has a key: a new round of the weights begins. */
static bool begin_round(struct pool *pool)
{
    for (size_t i = 0; i < LANES; i++)
        pool->lanes[i].credit = fm_operations_weight((enum fm_priority)i);
    return true;
}

bool fm_order_next(struct fm_order *order, const char *name, const struct fm_id *node,
                   bool may_avoid, struct fm_tick_head *head)
{
    struct pool *pool = pool_find(order, name);
    if (!pool || pool->count == 0)
        return false;
    if (!pool_take(pool, node, may_avoid, head) &&
        !(begin_round(pool) && pool_take(pool, node, may_avoid, head)))
        return false;
    taken_add(order, &head->id);
    return true;
}

bool fm_order_is_empty(const struct fm_order *order, const char *name)
{
    const struct pool *pool = pool_find(order, name);
    return !pool || pool->count == 0;
}

void fm_order_forget(struct fm_order *order)
{
    for (struct pool *pool = order->pools; pool; pool = pool->hh.next)
        pool_clear(pool);
}
