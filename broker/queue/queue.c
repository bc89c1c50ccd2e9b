/*
 * PostgreSQL holds the only truth; a broker is a cache with timers. A job's state is the table that
 * its row is in, and whether it is leased; there is no other state. Only this file moves job rows,
 * except that a batch inserts its own. Each kind of event has one .sql file.
 *
 *                        POST
 *                         | enqueue
 *           +-------------+--------------+  born leased: a slot is free and nobody is overtaken
 *           v                            v
 *     +- live ----------+     claim L      +- live ------------+
 *     | WAITING         | ---------------> | LEASED by L       | ---. progress L
 *     | due at run_at   | <--------------- | on one session    | <--'
 *     +-----------------+    release L     +-------------------+
 *           | cancel                             | finish L, cancel, release L over a limit
 *           v                                    v
 *     +- done ---------------------------------------------------+
 *     | SUCCEEDED      FAILED      CANCELED                      |
 *     +----------------------------------------------------------+
 *
 * event                    statement        rows moved                  no row moved means
 * POST                     job_enqueue      - -> job + live (waiting,   our own rerun: read what
 *                                           or leased L)                became of L
 * a slot is free           job_claim        waiting -> leased L         a rival has it
 * progress                 job_progress     leased L, in place          stale: CANCEL it
 * final RESULT             job_finish       leased L -> done + file     L in done: ok; else stale
 * RESULT that may retry,   job_release      leased L -> waiting, or,    as above
 *   crash, loss, REJECT                     over a limit, -> done
 * client cancels           job_cancel       live -> done                in done, else missing
 * client deletes           job_delete       waiting or done -> gone     leased, ended, missing
 * its site is paused       job_defer        waiting, due in 30 s        claimed meanwhile
 * HELLO                    session_attach   session; unlisted leases    a higher boot: refuse
 *                                           -> waiting
 * BYE, silence, newer boot session_expire   its leases -> waiting, or,  it lives: watch on
 *                                           over the limit, -> done
 * every round              session_beat     beat+1                      not ours: forget it
 *
 * One flush is one transaction: the events that wait when the last one ended, up to FM_FLUSH_MAX.
 * Ids and leases are made before the flush, so a flush whose outcome is unknown (connection lost, a
 * WARNING on COMMIT) runs again unchanged. A flush that is refused is halved until the event at
 * fault is alone, and only that event fails. For events that moved no row, a second read with a new
 * snapshot follows the commit; all other events are handed over before that read.
 */
#include "broker/queue/queue.h"

#include <stdlib.h>

#include "broker/db/db.h"
#include "broker/queue/flush.h"
#include "broker/queue/queue_metrics.h"
#include "common/clock.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/memory.h"

/* How long a client waits while the database is away. */
#define PATIENCE_MS 5000
/* A flush that has no answer after this time counts as lost; its connection is dropped. */
#define ANSWER_MS 15000
/* While the database is in trouble: how often to check for clients whose time is over. */
#define CHECK_EVERY_MS 250

/* What the connection is used for: nothing, a flush, or its second read. The calls of a phase are
 * sent again when their answer was lost. */
enum phase { IDLE, FLUSHING, SECOND_READ };

struct fm_queue {
    struct fm_db *db;
    struct fm_flush *flush;
    struct fm_queue_event *waiting;
    struct fm_queue_event **tail;
    struct fm_queue_event *answered, **answered_tail; /* have their outcome, not handed over yet */
    size_t pending;                                   /* waiting, in the flush, or answered */
    size_t limit; /* events of the next flush: halved by a refusal, doubled by success */
    enum phase phase;
    bool is_sent;
    bool is_connected;
    int64_t sent_at, started_at, started_us;
    bool is_troubled; /* no flush has succeeded since the connection was lost, or since the start */
    int64_t troubled_at;
    int64_t last_ms;
    size_t last_events;
};

struct fm_queue_event *fm_queue_event_new(enum fm_queue_kind kind)
{
    struct fm_queue_event *event = fm_alloc(sizeof(*event));
    event->kind = kind;
    return event;
}

void fm_queue_event_destroy(struct fm_queue_event **event)
{
    if (*event == NULL) {
        return;
    }
    free((*event)->spec_copy);
    free(fm_steal(*event));
}

static void note_trouble(struct fm_queue *queue)
{
    if (!queue->is_troubled) {
        queue->is_troubled = true;
        queue->troubled_at = fm_clock_ms();
    }
}

struct fm_queue *fm_queue_new(const char *database_url, uint64_t broker)
{
    struct fm_queue *queue = fm_alloc(sizeof(*queue));
    queue->db = fm_db_new(database_url, FM_DB_QUEUE);
    queue->flush = fm_flush_new(broker);
    queue->tail = &queue->waiting;
    queue->answered_tail = &queue->answered;
    queue->limit = FM_FLUSH_MAX;
    note_trouble(queue);
    return queue;
}

static void find_tail(struct fm_queue *queue)
{
    queue->tail = &queue->waiting;
    while (*queue->tail != NULL) {
        queue->tail = &(*queue->tail)->next;
    }
}

static void hand_over(struct fm_queue *queue, struct fm_queue_event *event)
{
    queue->pending--;
    event->next = NULL;
    fm_queue_metrics_event(event);
    event->done(event);
}

/* Each `done` may add events, so the list is taken apart from its head. */
static void hand_over_answered(struct fm_queue *queue)
{
    while (queue->answered != NULL) {
        struct fm_queue_event *event = queue->answered;
        queue->answered = event->next;
        if (queue->answered == NULL) {
            queue->answered_tail = &queue->answered;
        }
        hand_over(queue, event);
    }
}

static void fail(struct fm_queue *queue, struct fm_queue_event *event, enum fm_error_code why)
{
    event->outcome = FM_QUEUE_FAILED;
    event->failure = why;
    hand_over(queue, event);
}

void fm_queue_destroy(struct fm_queue **queue)
{
    struct fm_queue *gone = *queue;
    if (gone == NULL) {
        return;
    }
    *queue = NULL;
    hand_over_answered(gone);
    fm_flush_give_back(gone->flush, &gone->waiting);
    while (gone->waiting != NULL) {
        struct fm_queue_event *event = gone->waiting;
        gone->waiting = event->next;
        fail(gone, event, FM_UNAVAILABLE);
    }
    fm_flush_destroy(&gone->flush);
    fm_db_close(&gone->db);
    free(gone);
}

void fm_queue_add(struct fm_queue *queue, struct fm_queue_event *event)
{
    event->next = NULL;
    event->added_at_ms = fm_clock_ms();
    *queue->tail = event;
    queue->tail = &event->next;
    queue->pending++;
}

size_t fm_queue_pending(const struct fm_queue *queue)
{
    return queue->pending;
}

int fm_queue_fd(const struct fm_queue *queue)
{
    return fm_db_fd(queue->db);
}

short fm_queue_poll_events(const struct fm_queue *queue)
{
    return fm_db_poll_events(queue->db);
}

bool fm_queue_is_connected(const struct fm_queue *queue)
{
    return queue->is_connected;
}

void fm_queue_last_flush(const struct fm_queue *queue, int64_t *ms, size_t *events)
{
    *ms = queue->last_ms;
    *events = queue->last_events;
}

static void note_connection(struct fm_queue *queue, enum fm_db_state state)
{
    bool is_connected = state != FM_DB_AWAY;
    if (is_connected == queue->is_connected) {
        return;
    }
    queue->is_connected = is_connected;
    if (is_connected) {
        fm_log(FM_LOG_INFO, "database_connected", NULL);
    } else {
        note_trouble(queue);
        fm_log(FM_LOG_WARNING, "database_lost", "detail=\"%s\"", fm_db_trouble(queue->db));
    }
}

static void send_phase(struct fm_queue *queue)
{
    if (queue->phase == SECOND_READ) {
        fm_flush_build_second_read(queue->flush);
    } else {
        fm_flush_build(queue->flush);
    }
    queue->sent_at = fm_clock_ms();
    queue->is_sent = true;
    fm_fault("flush_unsent");
    fm_db_send(queue->db, queue->flush->calls, queue->flush->call_count);
}

/* Keeps the events that have their outcome; they are handed over once the next flush has been sent,
 * so that their owners work while the database does. */
static void settle(struct fm_queue *queue, bool all)
{
    struct fm_queue_event *answered[FM_FLUSH_MAX];
    fm_fault("flush_committed");
    size_t count = fm_flush_take_answered(queue->flush, all, answered);
    queue->phase = queue->flush->count > 0 ? SECOND_READ : IDLE;
    for (size_t i = 0; i < count; i++) {
        answered[i]->next = NULL;
        *queue->answered_tail = answered[i];
        queue->answered_tail = &answered[i]->next;
    }
}

static void handle_success(struct fm_queue *queue)
{
    bool is_second = queue->phase == SECOND_READ;
    queue->is_troubled = false;
    queue->limit = queue->limit * 2 < FM_FLUSH_MAX ? queue->limit * 2 : FM_FLUSH_MAX;
    if (is_second) {
        fm_flush_read_second(queue->flush, queue->db);
    } else {
        queue->last_ms = fm_clock_ms() - queue->started_at;
        queue->last_events = queue->flush->count;
        fm_metrics_time(FM_METRIC_FLUSH_SECONDS, fm_clock_us() - queue->started_us);
        fm_metrics_size(FM_METRIC_FLUSH_EVENTS, queue->last_events);
        fm_flush_read(queue->flush, queue->db);
    }
    settle(queue, is_second);
}

/* Halves the next flush, again and again, until the event at fault is alone; that event fails. */
static void handle_refusal(struct fm_queue *queue, const struct fm_error *why)
{
    struct fm_flush *flush = queue->flush;
    if (flush->count > 1) {
        queue->limit = flush->count / 2;
        queue->phase = IDLE;
        fm_flush_give_back(flush, &queue->waiting);
        find_tail(queue);
        return;
    }
    fm_log_failure("queue_event_refused", why);
    flush->events[0]->outcome = FM_QUEUE_FAILED;
    flush->events[0]->failure = why->code;
    settle(queue, true);
}

static void handle_answer(struct fm_queue *queue)
{
    struct fm_error why = {0};
    queue->is_sent = false;
    switch (fm_db_verdict(queue->db, &why)) {
    case FM_DB_DONE:
        handle_success(queue);
        break;
    case FM_DB_AGAIN:
        fm_log(FM_LOG_DEBUG, "flush_again", "detail=\"%s\"", why.detail);
        break;
    case FM_DB_UNCERTAIN:
        fm_log(FM_LOG_WARNING, "flush_uncertain", "detail=\"%s\"", why.detail);
        queue->flush->is_again = true;
        break;
    case FM_DB_REFUSED:
        handle_refusal(queue, &why);
        break;
    case FM_DB_LATER:
        fm_log_failure("flush_later", &why);
        fm_db_drop(queue->db);
        break;
    }
}

/* The connection was lost before the answer came. The commit may have happened, so the same flush
 * runs again. */
static void handle_loss(struct fm_queue *queue)
{
    fm_fault("flush_lost");
    queue->is_sent = false;
    queue->flush->is_again = true;
}

static bool start_flush(struct fm_queue *queue)
{
    if (queue->phase == IDLE) {
        fm_flush_take(queue->flush, &queue->waiting, queue->limit);
        find_tail(queue);
        queue->phase = FLUSHING;
        queue->started_at = fm_clock_ms();
        queue->started_us = fm_clock_us();
    }
    if (queue->flush->count == 0) {
        queue->phase = IDLE;
        return queue->waiting != NULL;
    }
    send_phase(queue);
    return true;
}

/* Takes one step; true when another step may follow at once. */
static bool advance(struct fm_queue *queue, enum fm_db_state state)
{
    if (queue->is_sent && state == FM_DB_BUSY) {
        bool is_late = fm_clock_ms() - queue->sent_at >= ANSWER_MS;
        if (is_late) {
            fm_db_drop(queue->db);
        }
        return is_late;
    }
    if (queue->is_sent && state == FM_DB_ANSWERED) {
        handle_answer(queue);
        return true;
    }
    if (queue->is_sent) {
        handle_loss(queue);
    }
    return (state == FM_DB_IDLE || state == FM_DB_ANSWERED) && start_flush(queue);
}

/* True if a client waits behind the event and has waited PATIENCE_MS, counted from the start of the
 * trouble or from the event's arrival, whichever came later. */
static bool is_out_of_patience(const struct fm_queue *queue, const struct fm_queue_event *event)
{
    bool has_client = event->kind == FM_QUEUE_ENQUEUE || event->kind == FM_QUEUE_CANCEL ||
                      event->kind == FM_QUEUE_DELETE;
    bool is_newer = event->added_at_ms > queue->troubled_at;
    int64_t since = is_newer ? event->added_at_ms : queue->troubled_at;
    return has_client && fm_clock_ms() - since >= PATIENCE_MS;
}

static struct fm_queue_event *remove_impatient(struct fm_queue *queue)
{
    struct fm_queue_event **at = &queue->waiting, *impatient = NULL;
    while (*at != NULL) {
        struct fm_queue_event *event = *at;
        if (is_out_of_patience(queue, event)) {
            *at = event->next;
            event->next = impatient;
            impatient = event;
        } else {
            at = &event->next;
        }
    }
    find_tail(queue);
    return impatient;
}

/* Ends an event of the flush without an answer. In a lost flush its outcome is unknown. In a second
 * read the commit is known: an ENQUEUE's job was accepted, every other event moved nothing. */
static void give_up(struct fm_queue *queue, struct fm_queue_event *event)
{
    if (queue->phase == SECOND_READ && event->kind == FM_QUEUE_ENQUEUE) {
        event->failure = FM_DATABASE_UNCERTAIN;
        hand_over(queue, event);
    } else {
        fail(queue, event, queue->phase == SECOND_READ ? FM_UNAVAILABLE : FM_DATABASE_UNCERTAIN);
    }
}

static void fail_impatient(struct fm_queue *queue)
{
    struct fm_queue_event *impatient = remove_impatient(queue);
    while (impatient != NULL) {
        struct fm_queue_event *event = impatient;
        impatient = event->next;
        fail(queue, event, FM_UNAVAILABLE);
    }
    for (size_t i = queue->flush->count; !queue->is_sent && i > 0; i--) {
        if (is_out_of_patience(queue, queue->flush->events[i - 1])) {
            give_up(queue, fm_flush_remove(queue->flush, i - 1));
        }
    }
}

static int shorter_wait(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* Steps until only the database can go on. */
static void advance_all(struct fm_queue *queue)
{
    enum fm_db_state state = fm_db_pump(queue->db);
    note_connection(queue, state);
    while (advance(queue, state)) {
        if (queue->is_sent) {
            hand_over_answered(queue);
        }
        state = fm_db_pump(queue->db);
        note_connection(queue, state);
    }
}

int fm_queue_pump(struct fm_queue *queue)
{
    bool is_again = true;
    while (is_again) {
        advance_all(queue);
        is_again = queue->answered != NULL;
        hand_over_answered(queue);
    }
    int wait = fm_db_wait_ms(queue->db);
    if (queue->is_troubled && queue->pending > 0) {
        fail_impatient(queue);
        wait = shorter_wait(wait, CHECK_EVERY_MS);
    }
    return queue->is_sent ? shorter_wait(wait, fm_clock_left(queue->sent_at + ANSWER_MS)) : wait;
}
