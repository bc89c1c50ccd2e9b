#include "broker/queue/schedule.h"

#include <assert.h>
#include <string.h>
#include <uthash.h>
#include <utlist.h>

#include "common/memory.h"
#include "proto/names.h"

#define LANES FM_PRIORITY_COUNT

/* Starts of a lane in one round, while every lane has jobs. */
static const unsigned weights[LANES] = {
    [FM_PRIORITY_HIGH] = 4,
    [FM_PRIORITY_NORMAL] = 2,
    [FM_PRIORITY_LOW] = 1,
};

/* Keys of a pool. A job that comes when the window is full is left to a later read. */
#define WINDOW_MAX 4096

struct key {
    struct fm_tick_head head;
    uint64_t read; /* number of the newest read begun when the key came; only a later read must
                      contain the key */
    struct key *next;
    UT_hash_handle hh;
};

/* One account's turn in a lane's round, and its waiting keys, oldest first. */
struct seat {
    struct fm_id account;
    uint64_t running_limit; /* the account's running limit, from its newest key; 0: no limit */
    struct key *keys, *last;
    unsigned returned; /* keys that the last read returned */
    bool is_cut;       /* more jobs may wait behind the last key */
    struct seat *next, *prev;
    UT_hash_handle hh;
};

struct lane {
    struct seat *by_account; /* hash */
    struct seat *round;      /* list: the account whose turn is next comes first */
    unsigned credit;         /* starts left to the lane before all lanes get their weights anew */
};

struct pool {
    const struct fm_running_limit *running_limit; /* the schedule's */
    char *name;
    struct lane lanes[LANES];
    struct key *by_id; /* hash of all keys */
    size_t coming;     /* jobs on their way to wait here */
    uint64_t known_by; /* number of the read that filled the window last; 0: none */
    UT_hash_handle hh;
};

/* A key that was handed out. A read that began before its claim was committed still returns it as
 * waiting. */
struct taken {
    struct fm_id id;
    bool is_settled;
    UT_hash_handle hh;
};

struct fm_schedule {
    const struct fm_running_limit *running_limit;
    struct pool *pools;
    struct taken *taken;
    uint64_t reads;      /* the number of reads that have begun */
    uint64_t doubted_by; /* `reads` at the last fm_schedule_doubt */
};

struct fm_schedule *fm_schedule_new(const struct fm_running_limit *running_limit)
{
    struct fm_schedule *schedule = fm_alloc(sizeof *schedule);
    schedule->running_limit = running_limit;
    return schedule;
}

static void key_take(struct pool *pool, struct key *key)
{
    assert(pool->by_id); /* a seat's keys stand in the hash */
    HASH_DEL(pool->by_id, key);
}

static void key_drop(struct pool *pool, struct key *key)
{
    key_take(pool, key);
    fm_memory_release(&key);
}

static void seat_clear(struct pool *pool, struct seat *seat)
{
    while (seat->keys) {
        struct key *old = seat->keys;
        seat->keys = old->next;
        key_drop(pool, old);
    }
    seat->last = NULL;
}

static void seat_leave(struct pool *pool, struct lane *lane, struct seat *seat)
{
    assert(lane->by_account); /* every seat of the round is also in the hash */
    seat_clear(pool, seat);
    HASH_DEL(lane->by_account, seat);
    DL_DELETE(lane->round, seat);
    fm_memory_release(&seat);
}

static void pool_destroy(struct pool *pool)
{
    for (size_t i = 0; i < LANES; i++) {
        while (pool->lanes[i].round) {
            seat_leave(pool, &pool->lanes[i], pool->lanes[i].round);
        }
    }
    fm_memory_release(&pool->name);
    fm_memory_release(&pool);
}

static struct taken *taken_find(const struct fm_schedule *schedule, const struct fm_id *id)
{
    struct taken *taken = NULL;
    HASH_FIND(hh, schedule->taken, id, sizeof *id, taken);
    return taken;
}

static void taken_add(struct fm_schedule *schedule, const struct fm_id *id)
{
    struct taken *taken = taken_find(schedule, id);
    if (!taken) {
        taken = fm_alloc(sizeof *taken);
        taken->id = *id;
        HASH_ADD(hh, schedule->taken, id, sizeof taken->id, taken);
    }
    taken->is_settled = false;
}

static void taken_drop(struct fm_schedule *schedule, bool settled_alone)
{
    struct taken *taken, *next;
    HASH_ITER (hh, schedule->taken, taken, next) {
        if (settled_alone && !taken->is_settled) {
            continue;
        }
        HASH_DEL(schedule->taken, taken);
        fm_memory_release(&taken);
    }
}

void fm_schedule_settle(struct fm_schedule *schedule, const struct fm_id *id)
{
    struct taken *taken = taken_find(schedule, id);
    if (taken) {
        taken->is_settled = true;
    }
}

void fm_schedule_begin_refill(struct fm_schedule *schedule)
{
    taken_drop(schedule, true);
    schedule->reads++;
}

void fm_schedule_destroy(struct fm_schedule **schedule)
{
    if (!*schedule) {
        return;
    }
    taken_drop(*schedule, false);
    struct pool *pool, *next;
    HASH_ITER (hh, (*schedule)->pools, pool, next) {
        HASH_DEL((*schedule)->pools, pool);
        pool_destroy(pool);
    }
    fm_memory_release(schedule);
}

static struct pool *pool_find(const struct fm_schedule *schedule, const char *name)
{
    struct pool *pool = NULL;
    HASH_FIND_STR(schedule->pools, name, pool);
    return pool;
}

static struct pool *pool_get(struct fm_schedule *schedule, const char *name)
{
    struct pool *pool = pool_find(schedule, name);
    if (pool) {
        return pool;
    }
    pool = fm_alloc(sizeof *pool);
    pool->running_limit = schedule->running_limit;
    pool->name = fm_strdup(name);
    HASH_ADD_KEYPTR(hh, schedule->pools, pool->name, strlen(pool->name), pool);
    return pool;
}

static struct seat *seat_get(struct lane *lane, const struct fm_id *account)
{
    struct seat *seat = NULL;
    HASH_FIND(hh, lane->by_account, account, sizeof *account, seat);
    if (seat) {
        return seat;
    }
    seat = fm_alloc(sizeof *seat);
    seat->account = *account;
    HASH_ADD(hh, lane->by_account, account, sizeof seat->account, seat);
    DL_APPEND(lane->round, seat);
    return seat;
}

/* ---- the keys of a window ---- */

static void seat_append(struct pool *pool, struct seat *seat, struct key *key)
{
    key->next = NULL;
    HASH_ADD(hh, pool->by_id, head.id, sizeof key->head.id, key);
    if (seat->last) {
        seat->last->next = key;
    } else {
        seat->keys = key;
    }
    seat->last = key;
}

static bool pool_has(const struct pool *pool, const struct fm_id *id)
{
    struct key *key = NULL;
    HASH_FIND(hh, pool->by_id, id, sizeof *id, key);
    return key != NULL;
}

/* Appends the key to its account's seat, or frees it: if it is known or handed out already, or if
 * it would overtake jobs that the window leaves out. */
static void pool_add(struct fm_schedule *schedule, struct pool *pool, struct key *key)
{
    struct seat *seat = NULL;
    if (key->head.lane < LANES && !taken_find(schedule, &key->head.id) &&
        !pool_has(pool, &key->head.id)) {
        seat = seat_get(&pool->lanes[key->head.lane], &key->head.account);
    }
    if (seat) {
        seat->running_limit = key->head.running_limit;
    }
    if (seat && HASH_COUNT(pool->by_id) >= WINDOW_MAX) {
        seat->is_cut = true;
    }
    if (seat && !seat->is_cut) {
        seat_append(pool, seat, key);
    } else {
        fm_memory_release(&key);
    }
}

static struct key *key_new(const struct fm_tick_head *head, uint64_t read)
{
    struct key *key = fm_alloc(sizeof *key);
    key->head = *head;
    key->read = read;
    return key;
}

/* Keys that came while the read was under way, in their order: the read may not contain them. */
struct kept {
    struct key *first, *last;
};

static void keep_key(struct kept *kept, struct key *key)
{
    key->next = NULL;
    if (kept->last) {
        kept->last->next = key;
    } else {
        kept->first = key;
    }
    kept->last = key;
}

static void seat_empty(struct fm_schedule *schedule, struct pool *pool, struct seat *seat,
                       struct kept *kept)
{
    struct key *next;
    for (struct key *key = seat->keys; key; key = next) {
        next = key->next;
        if (key->read < schedule->reads) {
            key_drop(pool, key);
            continue;
        }
        key_take(pool, key);
        keep_key(kept, key);
    }
    seat->keys = seat->last = NULL;
    seat->returned = 0;
    seat->is_cut = false;
}

static struct key *pool_empty(struct fm_schedule *schedule, struct pool *pool)
{
    struct kept kept = {NULL, NULL};
    for (size_t i = 0; i < LANES; i++) {
        for (struct seat *seat = pool->lanes[i].round; seat; seat = seat->next) {
            seat_empty(schedule, pool, seat, &kept);
        }
    }
    return kept.first;
}

static void lane_drop_idle(struct pool *pool, struct lane *lane)
{
    struct seat *seat, *next;
    DL_FOREACH_SAFE (lane->round, seat, next) {
        if (!seat->keys && !seat->is_cut) {
            seat_leave(pool, lane, seat);
        }
    }
}

/* Counts a returned key. A seat with as many keys as the read's limit may have more waiting. */
static void seat_count_returned(struct pool *pool, const struct fm_tick_head *head)
{
    struct seat *seat = seat_get(&pool->lanes[head->lane], &head->account);
    seat->returned++;
    seat->is_cut |= seat->returned == head->most;
}

void fm_schedule_refill(struct fm_schedule *schedule, const char *name,
                        const struct fm_tick_head *heads, size_t count)
{
    struct pool *pool = pool_get(schedule, name);
    struct key *kept = pool_empty(schedule, pool), *next;
    for (size_t i = 0; i < count; i++) {
        if (heads[i].lane >= LANES) {
            continue;
        }
        pool_add(schedule, pool, key_new(&heads[i], 0));
        seat_count_returned(pool, &heads[i]);
    }
    for (; kept; kept = next) {
        next = kept->next;
        pool_add(schedule, pool, kept);
    }
    pool->known_by = schedule->reads;
    for (size_t i = 0; i < LANES; i++) {
        lane_drop_idle(pool, &pool->lanes[i]);
    }
}

/* ---- the next ---- */

/* Takes the seat's first key that suits the node. */
static bool seat_take(struct pool *pool, struct seat *seat, const struct fm_id *node,
                      bool may_avoid, struct fm_tick_head *head)
{
    struct key *before = NULL;
    struct key *key = seat->keys;
    while (key && may_avoid && fm_id_compare(&key->head.avoid, node) == 0) {
        before = key;
        key = key->next;
    }
    if (!key) {
        return false;
    }
    if (before) {
        before->next = key->next;
    } else {
        seat->keys = key->next;
    }
    if (seat->last == key) {
        seat->last = before;
    }
    *head = key->head;
    key_drop(pool, key);
    return true;
}

static bool is_at_limit(const struct pool *pool, const struct seat *seat)
{
    return fm_running_limit_is_reached(pool->running_limit, &seat->account, seat->running_limit);
}

/* Takes a key of the first account in the round that has one; the account moves to the round's
 * end. */
static bool lane_take(struct pool *pool, struct lane *lane, const struct fm_id *node,
                      bool may_avoid, struct fm_tick_head *head)
{
    for (struct seat *seat = lane->round; seat; seat = seat->next) {
        if (is_at_limit(pool, seat) || !seat_take(pool, seat, node, may_avoid, head)) {
            continue;
        }
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
        if (lane->credit == 0 || !lane_take(pool, lane, node, may_avoid, head)) {
            continue;
        }
        lane->credit--;
        return true;
    }
    return false;
}

/* No lane with credit has a key: a new round of the weights begins. */
static bool begin_round(struct pool *pool)
{
    for (size_t i = 0; i < LANES; i++) {
        pool->lanes[i].credit = weights[i];
    }
    return true;
}

bool fm_schedule_next(struct fm_schedule *schedule, const char *name, const struct fm_id *node,
                      bool may_avoid, struct fm_tick_head *head)
{
    struct pool *pool = pool_find(schedule, name);
    if (!pool || !pool->by_id) {
        return false;
    }
    if (!pool_take(pool, node, may_avoid, head) &&
        !(begin_round(pool) && pool_take(pool, node, may_avoid, head))) {
        return false;
    }
    taken_add(schedule, &head->id);
    return true;
}

bool fm_schedule_is_empty(const struct fm_schedule *schedule, const char *name)
{
    const struct pool *pool = pool_find(schedule, name);
    return !pool || !pool->by_id;
}

/* ---- what is known without a read ---- */

static bool is_known(const struct fm_schedule *schedule, const struct pool *pool)
{
    return pool && pool->known_by > schedule->doubted_by;
}

static bool is_cut(const struct pool *pool)
{
    for (size_t i = 0; i < LANES; i++) {
        for (const struct seat *seat = pool->lanes[i].round; seat; seat = seat->next) {
            if (seat->is_cut) {
                return true;
            }
        }
    }
    return false;
}

void fm_schedule_expect(struct fm_schedule *schedule, const char *name)
{
    pool_get(schedule, name)->coming++;
}

void fm_schedule_arrive(struct fm_schedule *schedule, const char *name,
                        const struct fm_tick_head *head)
{
    struct pool *pool = pool_get(schedule, name);
    pool->coming -= pool->coming > 0;
    if (head && is_known(schedule, pool)) {
        pool_add(schedule, pool, key_new(head, schedule->reads));
    }
}

void fm_schedule_doubt(struct fm_schedule *schedule)
{
    schedule->doubted_by = schedule->reads;
}

bool fm_schedule_is_open(const struct fm_schedule *schedule, const char *name)
{
    const struct pool *pool = pool_find(schedule, name);
    return is_known(schedule, pool) && !pool->by_id && pool->coming == 0 && !is_cut(pool);
}

bool fm_schedule_wants_refill(const struct fm_schedule *schedule, const char *name, size_t enough)
{
    const struct pool *pool = pool_find(schedule, name);
    return !is_known(schedule, pool) || (HASH_COUNT(pool->by_id) < enough && is_cut(pool));
}

static void lane_at_limit(const struct pool *pool, const struct lane *lane, struct fm_id *out,
                          size_t limit, size_t *count)
{
    for (const struct seat *seat = lane->round; seat && *count < limit; seat = seat->next) {
        if (seat->keys && is_at_limit(pool, seat)) {
            out[(*count)++] = seat->account;
        }
    }
}

size_t fm_schedule_at_limit(const struct fm_schedule *schedule, struct fm_id *out, size_t limit)
{
    size_t count = 0;
    for (const struct pool *pool = schedule->pools; pool; pool = pool->hh.next) {
        for (size_t i = 0; i < LANES; i++) {
            lane_at_limit(pool, &pool->lanes[i], out, limit, &count);
        }
    }
    return count;
}
