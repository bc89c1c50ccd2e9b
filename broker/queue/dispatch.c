#include "broker/queue/dispatch.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "broker/queue/claim.h"
#include "broker/queue/report.h"
#include "broker/queue/tick.h"
#include "common/clock.h"
#include "common/fault.h"
#include "common/file.h"
#include "common/log.h"
#include "common/memory.h"

#define MESSAGES_A_TURN 256 /* messages received in one turn, so that flushes are not delayed */
#define TICK_FRESH_MS 3000  /* /readyz: the maximum age of the last good tick */

struct fm_dispatch {
    struct fm_hub hub;
    struct fm_tick *tick;
    pthread_t thread;
    bool has_thread;
    int wake; /* eventfd: wakes the queue thread from poll() */
    atomic_bool is_stopping;
    atomic_bool has_news; /* jobs were written without passing through the inbox */
    atomic_uint workers;
    _Atomic(const struct fm_broker_settings *) settings; /* each turn takes the newest */

    pthread_mutex_t lock; /* guards the inbox */
    struct fm_queue_event *inbox, *inbox_last;
};

/* ---- the inbox ---- */

/* A posted event's own `done` and context, kept while ours stand in their place. */
struct posted {
    struct fm_dispatch *dispatch;
    void (*done)(struct fm_queue_event *event);
    void *context;
};

/* If the canceled job ran on a worker of this broker, sends CANCEL at once. Another broker finds
 * out from its own tick. */
static void send_cancel(struct fm_hub *hub, const struct fm_queue_event *event)
{
    struct fm_session *session = fm_session_by_id(hub->sessions, event->had_session);
    struct fm_session_lease *held =
        session ? fm_session_lease_find(session, event->had_lease) : NULL;
    if (!held) {
        return;
    }
    fm_fault("cancel_unsent");
    fm_hub_cancel(hub, session, &event->id, event->had_lease, FM_CANCEL_REASON_CANCELED);
    fm_session_lease_drop(session, held);
}

/* The `done` of every posted event: the queue thread's own work first, then the poster's `done`. */
static void committed(struct fm_queue_event *event)
{
    struct posted *posted = event->context;
    struct fm_hub *hub = &posted->dispatch->hub;
    fm_fault("posted_committed");
    if (event->kind == FM_QUEUE_CANCEL && event->outcome == FM_QUEUE_MOVED) {
        send_cancel(hub, event);
        fm_watch_wake(hub->watch, &event->id);
    }
    if (event->kind == FM_QUEUE_DELETE && event->outcome == FM_QUEUE_MOVED) {
        fm_watch_wake(hub->watch, &event->id);
    }
    if (event->kind == FM_QUEUE_ENQUEUE) {
        fm_claim_born(hub, event);
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
    if (dispatch->inbox_last) {
        dispatch->inbox_last->next = event;
    } else {
        dispatch->inbox = event;
    }
    dispatch->inbox_last = event;
    pthread_mutex_unlock(&dispatch->lock);
    eventfd_write(dispatch->wake, 1);
}

void fm_dispatch_nudge(struct fm_dispatch *dispatch)
{
    atomic_store(&dispatch->has_news, true);
    eventfd_write(dispatch->wake, 1);
}

static struct fm_queue_event *empty_inbox(struct fm_dispatch *dispatch)
{
    pthread_mutex_lock(&dispatch->lock);
    struct fm_queue_event *first = dispatch->inbox;
    dispatch->inbox = dispatch->inbox_last = NULL;
    pthread_mutex_unlock(&dispatch->lock);
    return first;
}

static void handle_inbox(struct fm_dispatch *dispatch)
{
    eventfd_t ignored;
    (void)!eventfd_read(dispatch->wake, &ignored);
    if (atomic_exchange(&dispatch->has_news, false)) {
        fm_schedule_doubt(dispatch->hub.schedule);
        dispatch->hub.wants_heads = true;
    }
    struct fm_queue_event *next;
    for (struct fm_queue_event *event = empty_inbox(dispatch); event; event = next) {
        next = event->next;
        event->next = NULL;
        if (event->kind == FM_QUEUE_ENQUEUE) {
            fm_claim_offer(&dispatch->hub, event);
        }
        fm_hub_queue(&dispatch->hub, event);
    }
}

/* ---- the turn ---- */

static void receive_messages(struct fm_hub *hub)
{
    struct fm_link_route from;
    struct fm_tick_node node;
    struct fm_message message;
    for (int i = 0; i < MESSAGES_A_TURN && fm_link_receive(hub->link, &from, &node, &message);
         i++) {
        fm_report_handle(hub, &from, &node, &message);
    }
}

static int shorter_wait(int a, int b)
{
    if (a < 0) {
        return b;
    }
    return b < 0 || a < b ? a : b;
}

static int pump_queues(struct fm_hub *hub)
{
    return shorter_wait(fm_queue_pump(hub->starts), fm_queue_pump(hub->queue));
}

/* Does all the work at hand; returns how many milliseconds the thread may sleep (-1: until a
 * descriptor is ready). The queues are pumped twice: first to take what was committed, then to
 * start the flush of the events that this turn has added. */
static int run_turn(struct fm_dispatch *dispatch)
{
    struct fm_hub *hub = &dispatch->hub;
    hub->settings = atomic_load(&dispatch->settings);
    handle_inbox(dispatch);
    pump_queues(hub);
    receive_messages(hub);
    fm_tick_db_pump(hub->tick_db);
    fm_tick_begin(dispatch->tick);
    atomic_store(&dispatch->workers, fm_claim_fill(hub));
    int sleep_ms = shorter_wait(pump_queues(hub), fm_tick_db_pump(hub->tick_db));
    if (fm_link_has_more(hub->link)) {
        return 0;
    }
    return shorter_wait(sleep_ms, fm_tick_wait_ms(dispatch->tick));
}

static void wait_for_work(struct fm_dispatch *dispatch, int sleep_ms)
{
    struct fm_hub *hub = &dispatch->hub;
    struct pollfd fds[] = {
        {.fd = dispatch->wake, .events = POLLIN},
        {.fd = fm_link_fd(hub->link), .events = POLLIN},
        {.fd = fm_queue_fd(hub->starts), .events = fm_queue_poll_events(hub->starts)},
        {.fd = fm_queue_fd(hub->queue), .events = fm_queue_poll_events(hub->queue)},
        {.fd = fm_tick_db_fd(hub->tick_db), .events = fm_tick_db_poll_events(hub->tick_db)},
    };
    poll(fds, FM_COUNT(fds), sleep_ms);
}

static void *run_thread(void *argument)
{
    struct fm_dispatch *dispatch = argument;
    while (!atomic_load(&dispatch->is_stopping)) {
        wait_for_work(dispatch, run_turn(dispatch));
    }
    return NULL;
}

/* ---- from open to close ---- */

static void open_modules(struct fm_dispatch *dispatch, const char *database_url)
{
    struct fm_hub *hub = &dispatch->hub;
    hub->broker = fm_id_new_lease() >> 1;
    hub->nodes = fm_node_set_new();
    hub->running_limit = fm_running_limit_new();
    hub->sessions = fm_session_set_new(hub->running_limit);
    hub->schedule = fm_schedule_new(hub->running_limit);
    hub->reason = fm_reason_new();
    hub->starts = fm_queue_new(database_url, hub->broker);
    hub->queue = fm_queue_new(database_url, hub->broker);
    hub->tick_db = fm_tick_db_new(database_url, hub->broker);
    dispatch->tick = fm_tick_new(hub);
    dispatch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&dispatch->lock, NULL);
}

bool fm_dispatch_new(const struct fm_broker_settings *settings, const struct fm_secrets *secrets,
                     const struct fm_signed_url *signed_url, struct fm_watch *watch,
                     struct fm_dispatch **dispatch, struct fm_error *err)
{
    struct fm_dispatch *fresh = fm_alloc(sizeof *fresh);
    fresh->hub.settings = settings;
    atomic_init(&fresh->settings, settings);
    fresh->hub.signed_url = signed_url;
    fresh->hub.watch = watch;
    open_modules(fresh, settings->database_url);
    bool ok = fm_link_open(settings->link_listen, secrets, fresh->hub.nodes, &fresh->hub.link, err);
    if (ok) {
        ok = pthread_create(&fresh->thread, NULL, run_thread, fresh) == 0 ||
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

void fm_dispatch_reload(struct fm_dispatch *dispatch, const struct fm_broker_settings *settings)
{
    atomic_store(&dispatch->settings, settings);
}

/* The thread has ended: fails the events that are still in the inbox. */
static void refuse_posted(struct fm_dispatch *dispatch)
{
    struct fm_queue_event *next;
    for (struct fm_queue_event *event = empty_inbox(dispatch); event; event = next) {
        next = event->next;
        event->outcome = FM_QUEUE_FAILED;
        event->failure = FM_UNAVAILABLE;
        committed(event);
    }
}

void fm_dispatch_destroy(struct fm_dispatch **dispatch)
{
    if (!*dispatch) {
        return;
    }
    struct fm_dispatch *old = *dispatch;
    atomic_store(&old->is_stopping, true);
    eventfd_write(old->wake, 1);
    if (old->has_thread) {
        pthread_join(old->thread, NULL);
    }
    /* The queues go first: the `done` of their events still uses the hub. */
    fm_queue_destroy(&old->hub.starts);
    fm_queue_destroy(&old->hub.queue);
    refuse_posted(old);
    fm_tick_db_destroy(&old->hub.tick_db);
    fm_link_close(&old->hub.link);
    fm_tick_destroy(&old->tick);
    fm_reason_destroy(&old->hub.reason);
    fm_schedule_destroy(&old->hub.schedule);
    fm_session_set_destroy(&old->hub.sessions);
    fm_running_limit_destroy(&old->hub.running_limit);
    fm_node_set_destroy(&old->hub.nodes);
    pthread_mutex_destroy(&old->lock);
    fm_file_close(&old->wake);
    fm_memory_release(dispatch);
}

bool fm_dispatch_is_ready(const struct fm_dispatch *dispatch)
{
    return fm_clock_ms() - fm_tick_answered_ms(dispatch->tick) < TICK_FRESH_MS;
}

struct fm_reason *fm_dispatch_reason(struct fm_dispatch *dispatch)
{
    return dispatch->hub.reason;
}

unsigned fm_dispatch_workers(const struct fm_dispatch *dispatch)
{
    return atomic_load(&dispatch->workers);
}
