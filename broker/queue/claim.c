#include "broker/queue/claim.h"

#include <inttypes.h>
#include <string.h>

#include "broker/config/allow.h"
#include "common/clock.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/memory.h"

/* Copies the operator's allow-list, as currently configured, into the JOB. */
static bool add_allowed(const struct fm_hub *hub, struct fm_message *message, struct fm_error *err)
{
    const char *texts[FM_ALLOW_LIMIT];
    size_t count = 0;
    if (!fm_allow_words(hub->settings, &message->arena, texts, &count, err)) {
        return false;
    }
    struct fm_word *words = fm_arena_alloc(&message->arena, (count + 1) * sizeof *words);
    for (size_t i = 0; i < count; i++) {
        words[i].text = texts[i];
    }
    message->job.allow = (struct fm_list){words, count};
    return true;
}

static bool send_job(struct fm_hub *hub, struct fm_session *session, struct fm_session_lease *held,
                     const struct fm_queue_event *event)
{
    bool is_born = event->kind == FM_QUEUE_ENQUEUE;
    struct fm_message message;
    struct fm_error err = {0};
    fm_message_init(&message, FM_MESSAGE_JOB);
    message.job.account = fm_hub_bytes(&held->account);
    message.job.job = fm_hub_bytes(&held->job);
    message.job.lease = held->lease;
    message.job.class = held->class;
    message.job.spec =
        is_born ? event->spec : (struct fm_slice){event->spec_copy, event->spec_length};
    message.job.time_ms = event->time_left_ms > 0 ? (uint64_t)event->time_left_ms : 1;
    message.job.max_source_bytes = hub->settings->max_source_bytes;
    message.job.max_seconds = hub->settings->max_source_seconds;
    /* As at submission: a typing error in the list closes the private networks, not the service. */
    if (!add_allowed(hub, &message, &err)) {
        fm_log_failure("allow_list_unread", &err);
    }
    bool is_sent = fm_link_send(hub->link, &session->route, &message);
    fm_message_done(&message);
    return is_sent;
}

/* Start rates are counted for each pool, lane and account: see start_rate.h. */
static void note_start(struct fm_hub *hub, const struct fm_session *session,
                       const struct fm_session_lease *held, const struct fm_queue_event *event)
{
    char pool[48];
    fm_session_pool(session, held->class, pool);
    fm_start_rate_note(fm_reason_start_rate(hub->reason), pool, (unsigned)event->lane,
                       &held->account, fm_clock_ms());
}

/* The lease is committed: sends the JOB. If the link cannot take it, the lease is released at once,
 * and the session gets no job until its next HEARTBEAT. */
static void start_job(struct fm_hub *hub, struct fm_session *session, struct fm_session_lease *held,
                      const struct fm_queue_event *event)
{
    held->is_claiming = false;
    held->sent_after = session->acks;
    if (!send_job(hub, session, held, event)) {
        session->is_full = true;
        fm_hub_return(hub, session, held);
        return;
    }
    fm_fault("job_sent");
    char job[FM_ID_TEXT_SIZE];
    fm_id_format(FM_ID_JOB, &held->job, job);
    fm_log(FM_LOG_INFO, "job_started", "job=%s lease=%016" PRIx64 " node=%s start=%u", job,
           held->lease, session->node.name, event->starts);
    note_start(hub, session, held, event);
    fm_watch_wake(hub->watch, &held->job);
}

/* Releases a lease whose session has ended, or sent another HELLO, while the claim was being
 * committed: the worker will never receive its JOB. */
static void release_lease(struct fm_hub *hub, const struct fm_queue_event *event,
                          const struct fm_id *node)
{
    struct fm_session nobody = {.node.id = *node};
    struct fm_session_lease lease = {
        .lease = event->lease, .account = event->account, .job = event->id};
    fm_hub_return(hub, &nobody, &lease);
}

static void claimed(struct fm_queue_event *event)
{
    struct fm_hub_move *move = event->context;
    fm_fault("claim_committed");
    struct fm_session *session = fm_session_by_node(move->hub->sessions, &move->node);
    struct fm_session_lease *held = session ? fm_session_lease_find(session, move->lease) : NULL;
    fm_schedule_settle(move->hub->schedule, &event->id);
    if (event->outcome == FM_QUEUE_MOVED && held) {
        start_job(move->hub, session, held, event);
    } else if (event->outcome == FM_QUEUE_MOVED) {
        release_lease(move->hub, event, &move->node);
    } else { /* Another broker has the job, or the session is no longer ours: the next tick is soon
            enough. */
        fm_session_lease_drop(session, held);
    }
    move->hub->wants_heads |= event->outcome == FM_QUEUE_MOVED;
    fm_hub_move_end(event);
}

/* Takes the slot before the commit, so that no second claim is made for it. */
static struct fm_session_lease *hold_slot(struct fm_session *session, enum fm_class class,
                                          const struct fm_id *account, const struct fm_id *job)
{
    struct fm_session_lease *held =
        fm_session_lease_add(session, fm_id_new_lease(), class, account, job);
    held->is_claiming = true;
    return held;
}

static void claim_job(struct fm_hub *hub, struct fm_session *session, enum fm_class class,
                      const struct fm_tick_head *head)
{
    struct fm_session_lease *held = hold_slot(session, class, &head->account, &head->id);
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_CLAIM);
    event->account = head->account;
    event->id = head->id;
    event->session = session->id;
    event->lane = (enum fm_priority)head->lane;
    fm_hub_add(fm_hub_move_new(hub, &session->node.id, held->lease), event, claimed);
}

/* ---- waiting jobs ---- */

/* True if another node serves the pool: only then may a job avoid the node of its last loss or
 * crash. */
static bool has_other(const struct fm_hub *hub, const struct fm_session *self, const char *pool,
                      enum fm_class class)
{
    for (struct fm_session *s = fm_session_first(hub->sessions); s; s = fm_session_next(s)) {
        char name[48];
        fm_session_pool(s, class, name);
        if (s != self && s->state == FM_SESSION_ATTACHED && s->slots[class] &&
            !strcmp(name, pool)) {
            return true;
        }
    }
    return false;
}

static void fill_slots(struct fm_hub *hub, struct fm_session *session, enum fm_class class)
{
    char pool[48];
    fm_session_pool(session, class, pool);
    if (fm_schedule_is_empty(hub->schedule, pool) || fm_reason_pool_is_paused(hub->reason, pool)) {
        return;
    }
    bool may_avoid = has_other(hub, session, pool, class);
    struct fm_tick_head head;
    while (fm_session_free(session, class) &&
           fm_schedule_next(hub->schedule, pool, &session->node.id, may_avoid, &head)) {
        claim_job(hub, session, class, &head);
    }
}

unsigned fm_claim_fill(struct fm_hub *hub)
{
    unsigned workers = 0;
    for (struct fm_session *s = fm_session_first(hub->sessions); s; s = fm_session_next(s)) {
        workers += s->state == FM_SESSION_ATTACHED;
        for (int class = 0; class < FM_CLASS_COUNT; class ++) {
            fill_slots(hub, s, (enum fm_class) class);
        }
    }
    return workers;
}

/* ---- new jobs ---- */

struct slot {
    struct fm_session *session;
    enum fm_class class;
};

/* The pool's session with the most free slots; no session if none has a free slot. */
static struct slot find_slot(const struct fm_hub *hub, const char *pool)
{
    struct slot best = {NULL, FM_CLASS_NET};
    unsigned most = 0;
    for (struct fm_session *s = fm_session_first(hub->sessions); s; s = fm_session_next(s)) {
        for (int class = 0; class < FM_CLASS_COUNT; class ++) {
            char name[48];
            unsigned free = fm_session_free(s, (enum fm_class) class);
            if (free <= most) {
                continue;
            }
            fm_session_pool(s, (enum fm_class) class, name);
            if (strcmp(name, pool) != 0) {
                continue;
            }
            best = (struct slot){s, (enum fm_class) class};
            most = free;
        }
    }
    return best;
}

/* A job with a start time always waits; a tick after that time reads it. */
static bool is_due(const struct fm_queue_event *event)
{
    return event->run_at_us == 0;
}

static bool is_paused(struct fm_hub *hub, const struct fm_queue_event *event)
{
    return fm_reason_is_paused(hub->reason, event->pool, &event->account, event->site);
}

void fm_claim_offer(struct fm_hub *hub, struct fm_queue_event *event)
{
    struct slot slot = {NULL, FM_CLASS_NET};
    if (is_due(event) && !is_paused(hub, event) &&
        fm_schedule_is_open(hub->schedule, event->pool) &&
        !fm_running_limit_is_reached(hub->running_limit, &event->account, event->running_limit)) {
        slot = find_slot(hub, event->pool);
    }
    if (!slot.session) {
        fm_schedule_expect(hub->schedule, event->pool);
        return;
    }
    event->session = slot.session->id;
    event->lease = hold_slot(slot.session, slot.class, &event->account, &event->id)->lease;
}

/* The ENQUEUE asked for no lease: its job waits, or was refused. If the database failed, the job
 * may have been written, so the pool's window is in doubt. */
static void came_to_wait(struct fm_hub *hub, const struct fm_queue_event *event)
{
    struct fm_tick_head head = {.account = event->account,
                                .id = event->id,
                                .lane = (unsigned)event->lane,
                                .site = event->site,
                                .running_limit = event->running_limit};
    bool is_known = event->outcome == FM_QUEUE_MOVED && is_due(event);
    fm_schedule_arrive(hub->schedule, event->pool,
                       is_known && !is_paused(hub, event) ? &head : NULL);
    if (!is_known && event->outcome == FM_QUEUE_FAILED) {
        fm_schedule_doubt(hub->schedule);
    }
}

/* The ENQUEUE asked for a lease. Its job may be leased, may wait since the session was lost
 * meanwhile, or its state may be unknown. */
static void came_leased(struct fm_hub *hub, const struct fm_queue_event *event)
{
    struct fm_session *session = fm_session_by_id(hub->sessions, event->session);
    struct fm_session_lease *held = session ? fm_session_lease_find(session, event->lease) : NULL;
    const struct fm_id nobody = {0};
    bool is_uncertain = event->failure == FM_DATABASE_UNCERTAIN;
    if (event->is_leased && held) {
        start_job(hub, session, held, event);
    } else if (event->is_leased || (is_uncertain && !held)) {
        release_lease(hub, event, session ? &session->node.id : &nobody);
    } else if (is_uncertain) { /* If it is leased, the next heartbeat does not list it, and
                                fm_session_unlisted releases it. */
        held->is_claiming = false;
        held->sent_after = session->acks;
    } else {
        fm_session_lease_drop(session, held);
        fm_schedule_doubt(hub->schedule);
    }
}

void fm_claim_born(struct fm_hub *hub, const struct fm_queue_event *event)
{
    if (event->lease == 0) {
        came_to_wait(hub, event);
    } else {
        came_leased(hub, event);
    }
}
