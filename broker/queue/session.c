#include "broker/queue/session.h"

#include <stdio.h>
#include <string.h>

#include "common/memory.h"

/* Unchanged reads, one each round, until a session counts as silent. Twice as many for another
 * broker's session, so that its own broker acts first. */
#define READS_OF_MINE 6
#define READS_OF_OTHERS 12
#define LISTED_MAX                                                                                 \
    512 /* what a HEARTBEAT can list (messages.def): a lease beyond it would be taken for lost     \
         */

struct fm_session_set {
    struct fm_session *sessions; /* hash by node id */
    struct fm_running_limit *running_limit;
};

struct fm_session_set *fm_session_set_new(struct fm_running_limit *running_limit)
{
    struct fm_session_set *set = fm_alloc(sizeof *set);
    set->running_limit = running_limit;
    return set;
}

void fm_session_set_destroy(struct fm_session_set **set)
{
    if (!*set) {
        return;
    }
    while ((*set)->sessions) {
        fm_session_remove(*set, (*set)->sessions);
    }
    fm_memory_release(set);
}

struct fm_session *fm_session_by_node(struct fm_session_set *set, const struct fm_id *node)
{
    struct fm_session *session = NULL;
    HASH_FIND(by_node, set->sessions, node, sizeof *node, session);
    return session;
}

struct fm_session *fm_session_get(struct fm_session_set *set, const struct fm_tick_node *node)
{
    struct fm_session *session = fm_session_by_node(set, &node->id);
    if (session) {
        return session;
    }
    session = fm_alloc(sizeof *session);
    session->node = *node;
    session->running_limit = set->running_limit;
    HASH_ADD(by_node, set->sessions, node.id, sizeof session->node.id, session);
    return session;
}

struct fm_session *fm_session_by_id(struct fm_session_set *set, uint64_t id)
{
    struct fm_session *session = fm_session_first(set);
    while (session && (session->state != FM_SESSION_ATTACHED || session->id != id)) {
        session = fm_session_next(session);
    }
    return session;
}

void fm_session_remove(struct fm_session_set *set, struct fm_session *session)
{
    fm_session_leases_clear(session);
    HASH_DELETE(by_node, set->sessions, session);
    fm_memory_release(&session);
}

struct fm_session *fm_session_first(const struct fm_session_set *set)
{
    return set->sessions;
}

struct fm_session *fm_session_next(const struct fm_session *session)
{
    return session->by_node.next;
}

struct fm_session_lease *fm_session_lease_find(struct fm_session *session, uint64_t lease)
{
    struct fm_session_lease *found = NULL;
    HASH_FIND(hh, session->leases, &lease, sizeof lease, found);
    return found;
}

struct fm_session_lease *fm_session_lease_add(struct fm_session *session, uint64_t lease,
                                              enum fm_class class, const struct fm_id *account,
                                              const struct fm_id *job)
{
    struct fm_session_lease *held = fm_session_lease_find(session, lease);
    if (held) {
        return held;
    }
    held = fm_alloc(sizeof *held);
    held->lease = lease;
    held->class = class;
    session->taken[class]++;
    fm_running_limit_begin(session->running_limit, account);
    held->account = *account;
    held->job = *job;
    held->sent_after = session->acks;
    HASH_ADD(hh, session->leases, lease, sizeof held->lease, held);
    return held;
}

void fm_session_lease_drop(struct fm_session *session, struct fm_session_lease *lease)
{
    if (!lease) {
        return;
    }
    HASH_DEL(session->leases, lease);
    session->taken[lease->class]--;
    fm_running_limit_end(session->running_limit, &lease->account);
    fm_memory_release(&lease);
}

void fm_session_leases_clear(struct fm_session *session)
{
    while (session->leases) {
        fm_session_lease_drop(session, session->leases);
    }
}

unsigned fm_session_free(const struct fm_session *session, enum fm_class class)
{
    if (session->state != FM_SESSION_ATTACHED || session->is_full) {
        return 0;
    }
    unsigned taken = session->taken[class], all = HASH_COUNT(session->leases);
    if (taken >= session->slots[class] || all >= LISTED_MAX) {
        return 0;
    }
    unsigned free = session->slots[class] - taken;
    return free < LISTED_MAX - all ? free : LISTED_MAX - all;
}

void fm_session_pool(const struct fm_session *session, enum fm_class class, char out[48])
{
    snprintf(out, 48, "%s:%s", session->placement, fm_names_class[class]);
}

static bool lists(const struct fm_heartbeat *heartbeat, uint64_t lease)
{
    const struct fm_held *held = heartbeat->leases.items;
    for (size_t i = 0; i < heartbeat->leases.count; i++) {
        if (held[i].lease == lease) {
            return true;
        }
    }
    return false;
}

struct fm_session_lease *fm_session_unlisted(struct fm_session *session,
                                             const struct fm_heartbeat *heartbeat)
{
    for (struct fm_session_lease *held = session->leases; held; held = held->hh.next) {
        if (!held->is_claiming && !held->is_ending && heartbeat->seen > held->sent_after &&
            !lists(heartbeat, held->lease)) {
            return held;
        }
    }
    return NULL;
}

/* ---- a read of all sessions ---- */

void fm_session_ask(struct fm_session_set *set)
{
    for (struct fm_session *s = fm_session_first(set); s; s = fm_session_next(s)) {
        s->is_asked = s->state == FM_SESSION_ATTACHED;
    }
}

static bool is_among(const struct fm_session *session, uint64_t broker,
                     const struct fm_tick_session *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].id == session->id && rows[i].broker == broker) {
            return true;
        }
    }
    return false;
}

struct fm_session *fm_session_gone(struct fm_session_set *set, uint64_t broker,
                                   const struct fm_tick_session *rows, size_t count)
{
    for (struct fm_session *s = fm_session_first(set); s; s = fm_session_next(s)) {
        if (s->is_asked && !is_among(s, broker, rows, count)) {
            return s;
        }
    }
    return NULL;
}

/* ---- the observer ---- */

struct watched {
    uint64_t id, beat;
    unsigned still; /* good reads in a row with this beat */
    bool is_seen;   /* is among the rows of the current read */
    UT_hash_handle hh;
};

struct fm_session_observer {
    uint64_t broker;
    struct watched *watched;
};

struct fm_session_observer *fm_session_observer_new(uint64_t broker)
{
    struct fm_session_observer *observer = fm_alloc(sizeof *observer);
    observer->broker = broker;
    return observer;
}

static void watched_drop(struct fm_session_observer *observer, struct watched *watched)
{
    HASH_DEL(observer->watched, watched);
    fm_memory_release(&watched);
}

void fm_session_observer_destroy(struct fm_session_observer **observer)
{
    if (!*observer) {
        return;
    }
    while ((*observer)->watched) {
        watched_drop(*observer, (*observer)->watched);
    }
    fm_memory_release(observer);
}

static struct watched *watched_get(struct fm_session_observer *observer, uint64_t id)
{
    struct watched *watched = NULL;
    HASH_FIND(hh, observer->watched, &id, sizeof id, watched);
    if (watched) {
        return watched;
    }
    watched = fm_alloc(sizeof *watched);
    watched->id = id;
    HASH_ADD(hh, observer->watched, id, sizeof watched->id, watched);
    return watched;
}

/* Counts one read of a session; true when its beat was the same in enough reads. A session that is
 * new to the observer starts its count. */
static bool stands_still(struct fm_session_observer *observer, const struct fm_tick_session *row)
{
    struct watched *watched = watched_get(observer, row->id);
    watched->is_seen = true;
    if (watched->beat != row->beat || watched->still == 0) {
        watched->beat = row->beat;
        watched->still = 1;
        return false;
    }
    watched->still++;
    return watched->still > (row->broker == observer->broker ? READS_OF_MINE : READS_OF_OTHERS);
}

void fm_session_observe(struct fm_session_observer *observer, const struct fm_tick_session *rows,
                        size_t count,
                        void (*expire)(void *context, const struct fm_tick_session *row),
                        void *context)
{
    for (size_t i = 0; i < count; i++) {
        if (stands_still(observer, &rows[i])) {
            expire(context, &rows[i]);
        }
    }
    struct watched *watched, *next;
    HASH_ITER (hh, observer->watched, watched, next) {
        if (!watched->is_seen) {
            watched_drop(observer, watched);
        } else {
            watched->is_seen = false;
        }
    }
}
