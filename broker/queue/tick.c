/* What a tick asks, what its answer changes, and when the next is due: see tick.h. */
#include "broker/queue/tick.h"

#include <stdatomic.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"

#define WINDOW_LEAST 64 /* heads read for a pool: eight times its slots, within these bounds */
#define WINDOW_MOST 4096
#define ENOUGH_MOST 512     /* a pool with as many keys as slots, up to this, needs no extra read */
#define LEASES_ASKED 4096   /* leases checked by one tick */
#define WATCHED_ASKED 16384 /* watched jobs read by one tick: 20 ms of the database's time */
#define WATCHED_ALONE 2560  /* the same while no other broker has a session */
#define STALE_WOKEN 256     /* waited-for jobs woken in one turn when all must be read again */
#define AT_LIMIT_MAX 256    /* accounts reported as waiting at their running limit */
#define POOLS 64            /* pools of one tick; a slot of any further pool gets no jobs */
#define AGAIN_MS 20         /* before the next attempt when there is no connection */
#define SOON_MS 1           /* even an urgent tick lets the turn's other work go first */

struct fm_tick {
    struct fm_hub *hub; /* borrowed */
    struct fm_session_observer *observer;
    atomic_llong answered_ms; /* when the last answer came */

    uint64_t node_epoch;  /* epoch of the node set in memory; 0: read it with the next tick */
    uint64_t pause_epoch; /* the same for the pauses */
    uint64_t key_epoch;   /* epoch of the last answer; 0: none yet */
    int64_t tick_at_ms, round_at_ms;
    bool wants_round, is_alone, has_stale;
    bool is_ticking;

    /* The query under way and its arrays; unchanged until its answer. */
    char pool_names[POOLS][48];
    const char *pools[POOLS];
    unsigned windows[POOLS];
    struct fm_tick_lease *leases;
    size_t leases_from; /* the number of leases that the previous ticks have checked */
    struct fm_id *watched;
    struct fm_tick_query query;
};

struct fm_tick *fm_tick_new(struct fm_hub *hub)
{
    struct fm_tick *tick = fm_alloc(sizeof *tick);
    tick->hub = hub;
    tick->observer = fm_session_observer_new(hub->broker);
    tick->leases = fm_alloc_array(LEASES_ASKED, sizeof *tick->leases);
    tick->watched = fm_alloc_array(WATCHED_ASKED, sizeof *tick->watched);
    return tick;
}

void fm_tick_destroy(struct fm_tick **tick)
{
    if (!*tick) {
        return;
    }
    fm_session_observer_destroy(&(*tick)->observer);
    fm_memory_release(&(*tick)->leases);
    fm_memory_release(&(*tick)->watched);
    fm_memory_release(tick);
}

int64_t fm_tick_answered_ms(const struct fm_tick *tick)
{
    return atomic_load(&tick->answered_ms);
}

/* ---- what is asked ---- */

/* The pools of all sessions, the slots of each, and whether any slot is free. */
struct gathered {
    size_t count;
    unsigned slots[POOLS];
    bool is_free[POOLS];
};

static void gather_pool(struct fm_tick *tick, struct gathered *all,
                        const struct fm_session *session, enum fm_class class)
{
    if (session->state != FM_SESSION_ATTACHED || !session->slots[class] || all->count == POOLS) {
        return;
    }
    size_t i = 0;
    fm_session_pool(session, class, tick->pool_names[all->count]);
    while (strcmp(tick->pool_names[i], tick->pool_names[all->count]) != 0) {
        i++;
    }
    all->count += i == all->count;
    all->slots[i] += session->slots[class];
    all->is_free[i] |= fm_session_free(session, class) > 0;
}

static unsigned within(unsigned least, unsigned value, unsigned most)
{
    if (value < least) {
        return least;
    }
    return value < most ? value : most;
}

/* A tick reads every pool, so that no window is older than a tick; a read between two ticks covers
 * only the pools where a slot is free and more keys may wait. */
static void ask_pools(struct fm_tick *tick, bool is_tick)
{
    struct fm_hub *hub = tick->hub;
    struct gathered all = {0};
    size_t count = 0;
    for (struct fm_session *s = fm_session_first(hub->sessions); s; s = fm_session_next(s)) {
        for (int class = 0; class < FM_CLASS_COUNT; class ++) {
            gather_pool(tick, &all, s, (enum fm_class) class);
        }
    }
    for (size_t i = 0; i < all.count; i++) {
        unsigned enough = within(1, all.slots[i], ENOUGH_MOST);
        if (!is_tick && !(all.is_free[i] &&
                          fm_schedule_wants_refill(hub->schedule, tick->pool_names[i], enough))) {
            continue;
        }
        tick->windows[count] = within(WINDOW_LEAST, enough * 8, WINDOW_MOST);
        tick->pools[count++] = tick->pool_names[i];
    }
    tick->query.pools = tick->pools;
    tick->query.windows = tick->windows;
    tick->query.pool_count = count;
}

/* Asks only about leases whose claims are committed, so a lease missing from the database is truly
 * gone. If there are too many for one tick, the next tick goes on from here. */
static void ask_leases(struct fm_tick *tick)
{
    size_t count = 0, all = 0;
    struct fm_hub *hub = tick->hub;
    for (struct fm_session *s = fm_session_first(hub->sessions); s; s = fm_session_next(s)) {
        for (struct fm_session_lease *held = s->leases; held; held = held->hh.next) {
            if (s->state != FM_SESSION_ATTACHED || held->is_claiming) {
                continue;
            }
            if (all++ >= tick->leases_from && count < LEASES_ASKED) {
                tick->leases[count++] =
                    (struct fm_tick_lease){held->account, held->job, held->lease};
            }
        }
    }
    tick->leases_from += count;
    if (tick->leases_from >= all) {
        tick->leases_from = 0;
    }
    tick->query.leases = tick->leases;
    tick->query.lease_count = count;
}

/* Waiters learn at once of the moves that this broker commits. While no other broker has workers,
 * the tick finds only jobs that another broker canceled and jobs that a session's end released, so
 * fewer are read: at 250 ms a tick, ten thousand jobs a second. */
static void ask_watched(struct fm_tick *tick)
{
    size_t most = tick->is_alone ? WATCHED_ALONE : WATCHED_ASKED;
    tick->query.watched = tick->watched;
    tick->query.watched_count = fm_watch_jobs(tick->hub->watch, tick->watched, most);
}

/* ---- what the answer means ---- */

static void apply_pauses(struct fm_tick *tick, const struct fm_tick_answer *answer)
{
    if (tick->query.wants_pauses) {
        tick->pause_epoch = answer->pause_epoch;
        fm_reason_set_pauses(tick->hub->reason, answer->pauses, answer->pause_count);
    } else if (answer->pause_epoch != tick->pause_epoch) {
        tick->pause_epoch = 0;
    }
}

static void deferred(struct fm_queue_event *event)
{
    struct fm_hub *hub = event->context;
    if (--hub->deferring == 0) {
        hub->wants_heads = true; /* for the jobs behind the deferred ones */
    }
    fm_queue_event_destroy(&event);
}

/* Moves a job of a paused site 30 s into the future, so that jobs of other sites behind it are
 * read. */
static void defer_job(struct fm_hub *hub, const struct fm_tick_head *head)
{
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_DEFER);
    event->account = head->account;
    event->id = head->id;
    event->done = deferred;
    event->context = hub;
    hub->deferring++;
    fm_hub_queue(hub, event);
}

/* Keeps the heads that may start and returns their number. Only one set of DEFER events is under
 * way at a time. A head left out for its site puts the window in doubt, since other jobs may wait
 * behind it. */
static size_t drop_paused(struct fm_hub *hub, struct fm_tick_head *heads, size_t count)
{
    size_t kept = 0;
    bool may_defer = hub->deferring == 0;
    for (size_t i = 0; i < count; i++) {
        bool is_held = fm_reason_account_is_paused(hub->reason, &heads[i].account);
        bool is_deferred = !is_held && fm_reason_site_is_paused(hub->reason, heads[i].site);
        if (is_deferred && may_defer) {
            defer_job(hub, &heads[i]);
        }
        if (is_deferred) {
            fm_schedule_doubt(hub->schedule);
        }
        if (!is_held && !is_deferred) {
            heads[kept++] = heads[i];
        }
    }
    return kept;
}

static void apply_heads(struct fm_hub *hub, const struct fm_tick_query *query,
                        const struct fm_tick_answer *answer)
{
    size_t from = 0;
    for (size_t pool = 0; pool < query->pool_count; pool++) {
        size_t to = from;
        while (to < answer->head_count && answer->head_pool[to] == pool) {
            to++;
        }
        fm_schedule_refill(hub->schedule, query->pools[pool], answer->heads + from,
                           drop_paused(hub, answer->heads + from, to - from));
        from = to;
    }
}

/* Drops leases that no longer stand: canceled on another broker, expired, or finished as overdue.
 */
static void apply_gone(struct fm_hub *hub, const struct fm_tick_answer *answer)
{
    for (size_t i = 0; i < answer->gone_count; i++) {
        fm_watch_wake(hub->watch, &answer->gone[i].id);
        for (struct fm_session *s = fm_session_first(hub->sessions); s; s = fm_session_next(s)) {
            struct fm_session_lease *held = fm_session_lease_find(s, answer->gone[i].lease);
            if (!held || held->is_ending) {
                continue;
            }
            fm_hub_cancel(hub, s, &held->job, held->lease, FM_CANCEL_REASON_STALE);
            fm_session_lease_drop(s, held);
        }
    }
}

static void overdue_ended(struct fm_queue_event *event)
{
    struct fm_hub_move *move = event->context;
    struct fm_session *session = fm_session_by_node(move->hub->sessions, &move->node);
    struct fm_session_lease *held = session ? fm_session_lease_find(session, move->lease) : NULL;
    if (held && event->outcome == FM_QUEUE_MOVED) {
        fm_hub_cancel(move->hub, session, &event->id, move->lease, FM_CANCEL_REASON_DEADLINE);
        fm_session_lease_drop(session, held);
    }
    fm_watch_wake(move->hub->watch, &event->id);
    move->hub->wants_heads = true;
    fm_hub_move_end(event);
}

/* The node of this broker's session that holds the lease; zero when no session has listed it. */
static struct fm_id find_holder(struct fm_hub *hub, uint64_t lease)
{
    for (struct fm_session *s = fm_session_first(hub->sessions); s; s = fm_session_next(s)) {
        if (fm_session_lease_find(s, lease)) {
            return s->node.id;
        }
    }
    return (struct fm_id){0};
}

static void apply_overdue(struct fm_hub *hub, const struct fm_tick_answer *answer)
{
    for (size_t i = 0; i < answer->overdue_count; i++) {
        const struct fm_tick_lease *late = &answer->overdue[i];
        struct fm_id node = find_holder(hub, late->lease);
        struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_FINISH);
        event->account = late->account;
        event->id = late->id;
        event->state = FM_STATE_FAILED;
        event->error = FM_DEADLINE_EXCEEDED;
        event->detail = "a minute past its deadline";
        fm_hub_add(fm_hub_move_new(hub, &node, late->lease), event, overdue_ended);
    }
}

static bool is_next(const struct fm_id *ids, size_t count, size_t *next, const struct fm_id *job)
{
    bool is = *next < count && fm_id_compare(&ids[*next], job) == 0;
    *next += is ? 1 : 0;
    return is;
}

/* Both lists are in the query's order; a job in neither list waits for its start. */
static void apply_watched(struct fm_tick *tick, const struct fm_tick_answer *answer)
{
    struct fm_watch *watch = tick->hub->watch;
    size_t ended = 0, running = 0;
    for (size_t i = 0; i < tick->query.watched_count; i++) {
        const struct fm_id *job = &tick->query.watched[i];
        if (is_next(answer->ended, answer->ended_count, &ended, job)) {
            fm_watch_wake(watch, job);
        } else {
            fm_watch_compare(watch, job,
                             is_next(answer->running, answer->running_count, &running, job)
                                 ? FM_WATCH_RUNNING
                                 : FM_WATCH_WAITING);
        }
    }
}

/* An API key was revoked: every waiter checks whether its own key is still valid. */
static void apply_keys(struct fm_tick *tick, const struct fm_tick_answer *answer)
{
    if (tick->key_epoch && tick->key_epoch != answer->key_epoch) {
        fm_watch_renew(tick->hub->watch);
        tick->has_stale = true;
    }
    tick->key_epoch = answer->key_epoch;
}

static bool is_alone(const struct fm_hub *hub, const struct fm_tick_answer *answer)
{
    for (size_t i = 0; i < answer->session_count; i++) {
        if (answer->sessions[i].broker != hub->broker) {
            return false;
        }
    }
    return true;
}

static void expire_silent(void *context, const struct fm_tick_session *row)
{
    fm_hub_lose(context, row);
}

/* A worker that has moved to another broker may never send BYE here, and must get no jobs from
 * this one. */
static void forget_gone(struct fm_hub *hub, const struct fm_tick_answer *answer)
{
    struct fm_session *gone;
    while ((gone = fm_session_gone(hub->sessions, hub->broker, answer->sessions,
                                   answer->session_count))) {
        fm_log(FM_LOG_INFO, "session_gone", "node=%s", gone->node.name);
        fm_hub_refuse(hub, &gone->route, FM_REFUSAL_UNKNOWN);
        fm_session_remove(hub->sessions, gone);
    }
}

static void apply_sessions(struct fm_tick *tick, const struct fm_tick_answer *answer)
{
    if (!tick->query.wants_sessions) {
        return;
    }
    tick->wants_round = false;
    tick->is_alone = is_alone(tick->hub, answer);
    forget_gone(tick->hub, answer);
    fm_session_observe(tick->observer, answer->sessions, answer->session_count, expire_silent,
                       tick->hub);
}

/* Sends REFUSE to revoked nodes and releases their leases. */
static void end_revoked(struct fm_hub *hub)
{
    struct fm_session *next;
    for (struct fm_session *s = fm_session_first(hub->sessions); s; s = next) {
        next = fm_session_next(s);
        struct fm_tick_node node;
        if (fm_node_find_id(hub->nodes, &s->node.id, &node) && !node.is_revoked) {
            continue;
        }
        fm_hub_refuse(hub, &s->route, FM_REFUSAL_REVOKED);
        if (s->state == FM_SESSION_ATTACHED) {
            fm_hub_dismiss(hub, s);
        }
    }
}

static void apply_nodes(struct fm_tick *tick, const struct fm_tick_answer *answer)
{
    if (!tick->query.wants_nodes) {
        if (answer->node_epoch != tick->node_epoch) {
            tick->node_epoch = 0;
        }
        return;
    }
    tick->node_epoch = answer->node_epoch;
    fm_node_set_replace(tick->hub->nodes, answer->nodes, answer->node_count);
    end_revoked(tick->hub);
}

static void apply_running(struct fm_tick *tick, const struct fm_tick_answer *answer)
{
    if (tick->query.wants_heads_only) {
        return;
    }
    fm_running_limit_forget_others(tick->hub->running_limit);
    for (size_t i = 0; i < answer->others_count; i++) {
        fm_running_limit_add_others(tick->hub->running_limit, &answer->others[i].account,
                                    answer->others[i].count);
    }
}

/* Publishes why jobs wait, for the replies of front threads. */
static void publish_reasons(struct fm_tick *tick)
{
    struct fm_hub *hub = tick->hub;
    struct fm_id at_limit[AT_LIMIT_MAX];
    if (tick->query.wants_heads_only) {
        return;
    }
    fm_reason_set_pools(hub->reason, tick->pools, tick->query.pool_count, tick->is_alone);
    fm_reason_set_at_limit(hub->reason, at_limit,
                           fm_schedule_at_limit(hub->schedule, at_limit, AT_LIMIT_MAX));
}

static void handle_answer(void *context, const struct fm_tick_answer *answer)
{
    struct fm_tick *tick = context;
    tick->is_ticking = false;
    if (!answer) {
        return;
    }
    atomic_store(&tick->answered_ms, fm_clock_ms());
    apply_nodes(tick, answer);
    apply_pauses(tick, answer);
    apply_running(tick, answer);
    apply_heads(tick->hub, &tick->query, answer);
    apply_gone(tick->hub, answer);
    apply_overdue(tick->hub, answer);
    apply_keys(tick, answer);
    apply_watched(tick, answer);
    apply_sessions(tick, answer);
    publish_reasons(tick);
}

/* ---- when ---- */

/* Adds to the query what only a full tick asks. */
static void ask_all(struct fm_tick *tick, int64_t now)
{
    ask_leases(tick);
    ask_watched(tick);
    tick->query.wants_sessions = tick->wants_round;
    if (tick->wants_round) {
        fm_session_ask(tick->hub->sessions);
    }
    tick->query.wants_nodes = tick->node_epoch == 0;
    tick->query.wants_pauses = tick->pause_epoch == 0;
    tick->tick_at_ms = now + (int64_t)tick->hub->settings->tick_ms;
}

void fm_tick_begin(struct fm_tick *tick)
{
    int64_t now = fm_clock_ms();
    if (tick->has_stale) {
        tick->has_stale = fm_watch_wake_stale(tick->hub->watch, STALE_WOKEN);
    }
    if (now >= tick->round_at_ms) {
        tick->wants_round = true;
        tick->round_at_ms = now + (int64_t)tick->hub->settings->round_ms;
    }
    bool is_tick = now >= tick->tick_at_ms;
    if (tick->is_ticking || (!is_tick && !tick->hub->wants_heads)) {
        return; /* the query under way must not change before its answer */
    }
    tick->hub->wants_heads = false;
    tick->query = (struct fm_tick_query){.wants_heads_only = !is_tick};
    ask_pools(tick, is_tick);
    if (is_tick) {
        ask_all(tick, now);
    } else if (tick->query.pool_count == 0) {
        return;
    }
    tick->is_ticking = true;
    if (!fm_tick_db_start(tick->hub->tick_db, &tick->query, handle_answer, tick)) {
        tick->is_ticking = false;
        tick->tick_at_ms = now + AGAIN_MS;
        return;
    }
    fm_schedule_begin_refill(tick->hub->schedule);
}

/* While a tick is under way, its answer wakes the thread, or the timeout of fm_tick_db_pump. */
static int until_tick(const struct fm_tick *tick)
{
    int left = fm_clock_left(tick->tick_at_ms);
    if (tick->has_stale) {
        return SOON_MS;
    }
    if (tick->is_ticking) {
        return -1;
    }
    if (tick->hub->wants_heads) {
        return 0;
    }
    return left < SOON_MS ? SOON_MS : left;
}

int fm_tick_wait_ms(const struct fm_tick *tick)
{
    int until_round = fm_clock_left(tick->round_at_ms), until = until_tick(tick);
    return until < 0 || until_round < until ? until_round : until;
}
