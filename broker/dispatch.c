#include "broker/dispatch.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "broker/claim.h"
#include "broker/report.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"
#include "common/memory.h"

#define HEARDS_A_TURN 256    /* messages taken before the other work of a turn */
#define HEADS_PER_ACCOUNT 64 /* of a pool and lane, a tick */
#define LEASES_ASKED 4096    /* a tick */
#define WATCHED_ASKED 1024   /* a tick */
#define POOLS 64
#define TICK_FRESH_MS 3000 /* /readyz: the last good look is younger */
#define AGAIN_MS 20        /* without a connection */
#define SOON_MS 1          /* a tick wanted at once still lets the turn's other work go first */

struct fm_dispatch {
    struct fm_hub hub;
    struct fm_session_observer *observer;
    pthread_t thread;
    bool has_thread;
    int wake; /* eventfd */
    atomic_bool is_stopping;
    atomic_llong ticked_ms; /* when the last look was answered */
    atomic_uint workers;

    pthread_mutex_t lock; /* guards the inbox */
    struct fm_queue_event *inbox, *inbox_last;

    uint64_t node_epoch; /* of the set in memory; 0: never read */
    int64_t tick_at_ms, round_at_ms;
    bool wants_round;
    bool is_ticking;

    /* What the tick under way was asked; stands until its answer. */
    char pool_names[POOLS][48];
    const char *pools[POOLS];
    struct fm_tick_lease *leases;
    size_t leases_from; /* so many were asked about by the ticks before */
    struct fm_id *watched;
    struct fm_tick_ask ask;
};

/* ---- the inbox ---- */

/* A front's event on its way through: its own `done` is called after ours. */
struct posted {
    struct fm_dispatch *dispatch;
    void (*done)(struct fm_queue_event *event);
    void *context;
};

/* A job that ran here was canceled: its worker hears of it at once; others' hear by their own tick.
 */
static void tell_canceled(struct fm_hub *hub, const struct fm_queue_event *event)
{
    struct fm_session *session = fm_session_by_id(hub->sessions, event->had_session);
    struct fm_session_lease *held =
        session ? fm_session_lease_find(session, event->had_lease) : NULL;
    if (!held)
        return;
    fm_hub_cancel(hub, session, &event->id, event->had_lease, FM_CANCEL_REASON_CANCELED);
    fm_session_lease_drop(session, held);
}

static void committed(struct fm_queue_event *event)
{
    struct posted *posted = event->context;
    struct fm_hub *hub = &posted->dispatch->hub;
    if (event->kind == FM_QUEUE_CANCEL && event->outcome == FM_QUEUE_MOVED) {
        tell_canceled(hub, event);
        fm_watch_tell(hub->watch, &event->id);
    }
    hub->wants_heads = true;
    event->done = posted->done;
    event->context = posted->context;
    fm_memory_release(&posted);
    event->done(event);
}

void fm_dispatch_post(struct fm_dispatch *dispatch, struct fm_queue_event *event)
{
    struct posted *posted = fm_alloc(sizeof *posted);
    *posted = (struct posted){dispatch, event->done, event->context};
    event->done = committed;
    event->context = posted;
    event->next = NULL;
    pthread_mutex_lock(&dispatch->lock);
    if (dispatch->inbox_last)
        dispatch->inbox_last->next = event;
    else
        dispatch->inbox = event;
    dispatch->inbox_last = event;
    pthread_mutex_unlock(&dispatch->lock);
    eventfd_write(dispatch->wake, 1);
}

static struct fm_queue_event *inbox_take(struct fm_dispatch *dispatch)
{
    pthread_mutex_lock(&dispatch->lock);
    struct fm_queue_event *first = dispatch->inbox;
    dispatch->inbox = dispatch->inbox_last = NULL;
    pthread_mutex_unlock(&dispatch->lock);
    return first;
}

static void take_inbox(struct fm_dispatch *dispatch)
{
    eventfd_t ignored;
    (void)!eventfd_read(dispatch->wake, &ignored);
    struct fm_queue_event *next;
    for (struct fm_queue_event *event = inbox_take(dispatch); event; event = next) {
        next = event->next;
        event->next = NULL;
        fm_queue_add(dispatch->hub.queue, event);
    }
}

/* ---- the tick ---- */

static void ask_pools(struct fm_dispatch *dispatch)
{
    size_t count = 0;
    struct fm_hub *hub = &dispatch->hub;
    for (struct fm_session *s = fm_session_first(hub->sessions); s; s = fm_session_next(s))
        for (int class = 0; class < FM_CLASS_COUNT && count < POOLS; class ++) {
            if (!fm_session_free(s, (enum fm_class) class))
                continue;
            fm_session_pool(s, (enum fm_class) class, dispatch->pool_names[count]);
            size_t i = 0;
            while (strcmp(dispatch->pool_names[i], dispatch->pool_names[count]) != 0)
                i++;
            if (i < count)
                continue;
            dispatch->pools[count] = dispatch->pool_names[count];
            count++;
        }
    dispatch->ask.pools = dispatch->pools;
    dispatch->ask.pool_count = count;
}

/* Only leases whose claims are committed by now: what is missing of them is truly gone. Where there
 * are too many for one tick, the next goes on from here. */
static void ask_leases(struct fm_dispatch *dispatch)
{
    size_t count = 0, all = 0;
    struct fm_hub *hub = &dispatch->hub;
    for (struct fm_session *s = fm_session_first(hub->sessions); s; s = fm_session_next(s))
        for (struct fm_session_lease *held = s->leases; held; held = held->hh.next) {
            if (s->state != FM_SESSION_ATTACHED || held->is_claiming)
                continue;
            if (all++ >= dispatch->leases_from && count < LEASES_ASKED)
                dispatch->leases[count++] =
                    (struct fm_tick_lease){held->account, held->job, held->lease};
        }
    dispatch->leases_from += count;
    if (dispatch->leases_from >= all)
        dispatch->leases_from = 0;
    dispatch->ask.leases = dispatch->leases;
    dispatch->ask.lease_count = count;
}

static void hear_heads(struct fm_hub *hub, const struct fm_tick_ask *ask,
                       const struct fm_tick_answer *answer)
{
    size_t from = 0;
    for (size_t pool = 0; pool < ask->pool_count; pool++) {
        size_t to = from;
        while (to < answer->head_count && answer->head_pool[to] == pool)
            to++;
        fm_order_refill(hub->order, ask->pools[pool], answer->heads + from, to - from);
        from = to;
    }
}

/* Leases that no longer stand: canceled on another broker, expired, or finished as overdue. */
static void hear_gone(struct fm_hub *hub, const struct fm_tick_answer *answer)
{
    for (size_t i = 0; i < answer->gone_count; i++)
        for (struct fm_session *s = fm_session_first(hub->sessions); s; s = fm_session_next(s)) {
            struct fm_session_lease *held = fm_session_lease_find(s, answer->gone[i].lease);
            if (!held || held->is_ending)
                continue;
            fm_hub_cancel(hub, s, &held->job, held->lease, FM_CANCEL_REASON_STALE);
            fm_session_lease_drop(s, held);
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
    fm_watch_tell(move->hub->watch, &event->id);
    move->hub->wants_heads = true;
    fm_hub_move_end(event);
}

/* The node of a session of mine that holds the lease; none when nobody has said HELLO for it. */
static struct fm_id holder(struct fm_hub *hub, uint64_t lease)
{
    for (struct fm_session *s = fm_session_first(hub->sessions); s; s = fm_session_next(s))
        if (fm_session_lease_find(s, lease))
            return s->node.id;
    return (struct fm_id){0};
}

static void hear_overdue(struct fm_hub *hub, const struct fm_tick_answer *answer)
{
    for (size_t i = 0; i < answer->overdue_count; i++) {
        const struct fm_tick_lease *late = &answer->overdue[i];
        struct fm_id node = holder(hub, late->lease);
        struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_FINISH);
        event->account = late->account;
        event->id = late->id;
        event->state = FM_STATE_FAILED;
        event->error = FM_DEADLINE_EXCEEDED;
        event->detail = "a minute past its deadline";
        fm_hub_add(fm_hub_move_new(hub, &node, late->lease), event, overdue_ended);
    }
}

static void hear_watched(struct fm_hub *hub, const struct fm_tick_answer *answer)
{
    for (size_t i = 0; i < answer->ended_count; i++)
        fm_watch_tell(hub->watch, &answer->ended[i]);
}

static void expire_silent(void *context, const struct fm_tick_session *row)
{
    fm_hub_lose(context, row);
}

/* A worker that went elsewhere may never say so here, and must not be claimed for. */
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

static void hear_sessions(struct fm_dispatch *dispatch, const struct fm_tick_answer *answer)
{
    if (!dispatch->ask.wants_sessions)
        return;
    dispatch->wants_round = false;
    forget_gone(&dispatch->hub, answer);
    fm_session_observe(dispatch->observer, answer->sessions, answer->session_count, expire_silent,
                       &dispatch->hub);
}

/* Revoked nodes are told and their leases given back. */
static void end_revoked(struct fm_hub *hub)
{
    struct fm_session *next;
    for (struct fm_session *s = fm_session_first(hub->sessions); s; s = next) {
        next = fm_session_next(s);
        struct fm_tick_node node;
        if (fm_node_find_id(hub->nodes, &s->node.id, &node) && !node.is_revoked)
            continue;
        fm_hub_refuse(hub, &s->route, FM_REFUSAL_REVOKED);
        if (s->state == FM_SESSION_ATTACHED)
            fm_hub_dismiss(hub, s);
    }
}

static void hear_nodes(struct fm_dispatch *dispatch, const struct fm_tick_answer *answer)
{
    if (!dispatch->ask.wants_nodes) {
        if (answer->node_epoch != dispatch->node_epoch)
            dispatch->node_epoch = 0;
        return;
    }
    dispatch->node_epoch = answer->node_epoch;
    fm_node_set_replace(dispatch->hub.nodes, answer->nodes, answer->node_count);
    end_revoked(&dispatch->hub);
}

static void ticked(void *context, const struct fm_tick_answer *answer)
{
    struct fm_dispatch *dispatch = context;
    dispatch->is_ticking = false;
    if (!answer)
        return;
    atomic_store(&dispatch->ticked_ms, fm_clock_ms());
    hear_nodes(dispatch, answer);
    hear_heads(&dispatch->hub, &dispatch->ask, answer);
    hear_gone(&dispatch->hub, answer);
    hear_overdue(&dispatch->hub, answer);
    hear_watched(&dispatch->hub, answer);
    hear_sessions(dispatch, answer);
}

static void tick(struct fm_dispatch *dispatch)
{
    int64_t now = fm_clock_ms();
    if (now >= dispatch->round_at_ms) {
        dispatch->wants_round = true;
        dispatch->round_at_ms = now + (int64_t)dispatch->hub.settings->round_ms;
    }
    if (dispatch->is_ticking || (now < dispatch->tick_at_ms && !dispatch->hub.wants_heads))
        return; /* what the tick under way was asked stands until its answer */
    ask_pools(dispatch);
    ask_leases(dispatch);
    dispatch->ask.per_account = HEADS_PER_ACCOUNT;
    dispatch->ask.watched = dispatch->watched;
    dispatch->ask.watched_count =
        fm_watch_jobs(dispatch->hub.watch, dispatch->watched, WATCHED_ASKED);
    dispatch->ask.wants_sessions = dispatch->wants_round;
    if (dispatch->wants_round)
        fm_session_ask(dispatch->hub.sessions);
    dispatch->ask.wants_nodes = dispatch->node_epoch == 0;
    dispatch->hub.wants_heads = false;
    dispatch->tick_at_ms = now + (int64_t)dispatch->hub.settings->tick_ms;
    dispatch->is_ticking = true;
    if (!fm_tick_start(dispatch->hub.tick, &dispatch->ask, ticked, dispatch)) {
        dispatch->is_ticking = false;
        dispatch->tick_at_ms = now + AGAIN_MS;
        return;
    }
    fm_order_look(dispatch->hub.order);
}

/* ---- the turn ---- */

static void receive(struct fm_hub *hub)
{
    struct fm_link_route from;
    struct fm_tick_node node;
    struct fm_message message;
    for (int i = 0; i < HEARDS_A_TURN && fm_link_receive(hub->link, &from, &node, &message); i++)
        fm_report_take(hub, &from, &node, &message);
}

static int sooner(int a, int b)
{
    if (a < 0)
        return b;
    return b < 0 || a < b ? a : b;
}

/* While one is under way its answer, or that none came, is what to wait for. */
static int until_tick(const struct fm_dispatch *dispatch)
{
    int left = fm_clock_left(dispatch->tick_at_ms);
    if (dispatch->is_ticking)
        return -1;
    return dispatch->hub.wants_heads || left < SOON_MS ? SOON_MS : left;
}

/* Everything there is to do now; returns how many milliseconds it may sleep. */
static int turn(struct fm_dispatch *dispatch)
{
    struct fm_hub *hub = &dispatch->hub;
    take_inbox(dispatch);
    int sleep_ms = fm_queue_pump(hub->queue);
    receive(hub);
    sleep_ms = sooner(sleep_ms, fm_tick_pump(hub->tick));
    tick(dispatch);
    atomic_store(&dispatch->workers, fm_claim_fill(hub));
    sleep_ms = sooner(sleep_ms, fm_queue_pump(hub->queue));
    sleep_ms = sooner(sleep_ms, fm_tick_pump(hub->tick));
    if (fm_link_has_more(hub->link))
        return 0;
    sleep_ms = sooner(sleep_ms, fm_clock_left(dispatch->round_at_ms));
    return sooner(sleep_ms, until_tick(dispatch));
}

static void rest(struct fm_dispatch *dispatch, int sleep_ms)
{
    struct fm_hub *hub = &dispatch->hub;
    struct pollfd fds[] = {
        {.fd = dispatch->wake, .events = POLLIN},
        {.fd = fm_link_fd(hub->link), .events = POLLIN},
        {.fd = fm_queue_fd(hub->queue), .events = fm_queue_poll_events(hub->queue)},
        {.fd = fm_tick_fd(hub->tick), .events = fm_tick_poll_events(hub->tick)},
    };
    poll(fds, FM_COUNT(fds), sleep_ms);
}

static void *run(void *argument)
{
    struct fm_dispatch *dispatch = argument;
    while (!atomic_load(&dispatch->is_stopping))
        rest(dispatch, turn(dispatch));
    return NULL;
}

/* ---- from open to close ---- */

static void open_rooms(struct fm_dispatch *dispatch, const char *database_url)
{
    struct fm_hub *hub = &dispatch->hub;
    hub->broker = fm_id_new_lease() >> 1;
    hub->nodes = fm_node_set_new();
    hub->sessions = fm_session_set_new();
    hub->order = fm_order_new();
    hub->queue = fm_queue_new(database_url, hub->broker);
    hub->tick = fm_tick_new(database_url, hub->broker);
    dispatch->observer = fm_session_observer_new(hub->broker);
    dispatch->leases = fm_alloc_array(LEASES_ASKED, sizeof *dispatch->leases);
    dispatch->watched = fm_alloc_array(WATCHED_ASKED, sizeof *dispatch->watched);
    dispatch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&dispatch->lock, NULL);
}

bool fm_dispatch_new(const struct fm_broker_settings *settings, const struct fm_secrets *secrets,
                     const struct fm_grant *grant, struct fm_watch *watch,
                     struct fm_dispatch **dispatch, struct fm_error *err)
{
    struct fm_dispatch *fresh = fm_alloc(sizeof *fresh);
    fresh->hub.settings = settings;
    fresh->hub.grant = grant;
    fresh->hub.watch = watch;
    open_rooms(fresh, settings->database_url);
    bool ok = fm_link_open(settings->link_listen, secrets, fresh->hub.nodes, &fresh->hub.link, err);
    if (ok) {
        ok = pthread_create(&fresh->thread, NULL, run, fresh) == 0 ||
             fm_fail(err, FM_SYSTEM, "dispatch: no thread");
        fresh->has_thread = ok;
    }
    if (!ok) {
        fm_dispatch_destroy(&fresh);
        return false;
    }
    *dispatch = fresh;
    return true;
}

static void refuse_posted(struct fm_dispatch *dispatch)
{
    struct fm_queue_event *next;
    for (struct fm_queue_event *event = inbox_take(dispatch); event; event = next) {
        next = event->next;
        event->outcome = FM_QUEUE_FAILED;
        event->failure = FM_UNAVAILABLE;
        committed(event);
    }
}

void fm_dispatch_destroy(struct fm_dispatch **dispatch)
{
    if (!*dispatch)
        return;
    struct fm_dispatch *old = *dispatch;
    atomic_store(&old->is_stopping, true);
    eventfd_write(old->wake, 1);
    if (old->has_thread)
        pthread_join(old->thread, NULL);
    fm_queue_destroy(&old->hub.queue);
    refuse_posted(old);
    fm_tick_destroy(&old->hub.tick);
    fm_link_close(&old->hub.link);
    fm_session_observer_destroy(&old->observer);
    fm_order_destroy(&old->hub.order);
    fm_session_set_destroy(&old->hub.sessions);
    fm_node_set_destroy(&old->hub.nodes);
    fm_memory_release(&old->leases);
    fm_memory_release(&old->watched);
    pthread_mutex_destroy(&old->lock);
    fm_file_close(&old->wake);
    fm_memory_release(dispatch);
}

bool fm_dispatch_is_ready(const struct fm_dispatch *dispatch)
{
    return fm_clock_ms() - atomic_load(&dispatch->ticked_ms) < TICK_FRESH_MS;
}

unsigned fm_dispatch_workers(const struct fm_dispatch *dispatch)
{
    return atomic_load(&dispatch->workers);
}
