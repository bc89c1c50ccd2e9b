#include "broker/queue/hub.h"

#include "common/fault.h"
#include "common/log.h"
#include "common/memory.h"

struct fm_hub_move *fm_hub_move_new(struct fm_hub *hub, const struct fm_id *node, uint64_t lease)
{
    struct fm_hub_move *move = fm_alloc(sizeof *move);
    move->hub = hub;
    move->node = *node;
    move->lease = lease;
    return move;
}

void fm_hub_move_end(struct fm_queue_event *event)
{
    struct fm_hub_move *move = event->context;
    fm_message_done(&move->message);
    fm_text_done(&move->packed);
    fm_memory_release(&move->held);
    fm_memory_release(&move);
    fm_queue_event_destroy(&event);
}

void fm_hub_queue(struct fm_hub *hub, struct fm_queue_event *event)
{
    bool is_start = event->kind == FM_QUEUE_ENQUEUE || event->kind == FM_QUEUE_CLAIM;
    fm_queue_add(is_start ? hub->starts : hub->queue, event);
}

void fm_hub_add(struct fm_hub_move *move, struct fm_queue_event *event,
                void (*done)(struct fm_queue_event *event))
{
    event->context = move;
    event->done = done;
    event->node = move->node;
    event->lease = move->lease;
    fm_hub_queue(move->hub, event);
}

/* The job waits again, or the lease was no longer this broker's: in both cases the worker no longer
 * holds it. */
static void returned(struct fm_queue_event *event)
{
    fm_fault("release_committed");
    struct fm_hub_move *move = event->context;
    struct fm_session *session = fm_session_by_node(move->hub->sessions, &move->node);
    if (session) {
        fm_session_lease_drop(session, fm_session_lease_find(session, move->lease));
    }
    fm_watch_wake(move->hub->watch, &event->id);
    fm_schedule_doubt(move->hub->schedule);
    move->hub->wants_heads = true;
    fm_hub_move_end(event);
}

void fm_hub_return(struct fm_hub *hub, struct fm_session *session, struct fm_session_lease *held)
{
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_RELEASE);
    event->account = held->account;
    event->id = held->job;
    event->release = FM_RELEASE_UNCOUNTED;
    fm_fault("release_received");
    held->is_ending = true;
    fm_hub_add(fm_hub_move_new(hub, &session->node.id, held->lease), event, returned);
}

struct fm_slice fm_hub_bytes(const struct fm_id *id)
{
    return (struct fm_slice){(const char *)id->bytes, sizeof id->bytes};
}

/* Sends a message that may get lost: the next heartbeat leads to the same answer. */
static void send_lightly(struct fm_hub *hub, const struct fm_link_route *route,
                         const struct fm_message *message)
{
    if (!fm_link_send(hub->link, route, message)) {
        fm_log(FM_LOG_DEBUG, "link_unsent", "message=%s", fm_message_name(message->type));
    }
}

void fm_hub_cancel(struct fm_hub *hub, const struct fm_session *session, const struct fm_id *job,
                   uint64_t lease, enum fm_cancel_reason reason)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_CANCEL);
    message.cancel.job = fm_hub_bytes(job);
    message.cancel.lease = lease;
    message.cancel.reason = reason;
    send_lightly(hub, &session->route, &message);
}

void fm_hub_refuse(struct fm_hub *hub, const struct fm_link_route *route, enum fm_refusal reason)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_REFUSE);
    message.refuse.version = FM_MESSAGE_VERSION;
    message.refuse.reason = reason;
    send_lightly(hub, route, &message);
}

/* The session has ended in the database. If its worker lives, it is refused as unknown and sends
 * HELLO again. */
static void expired(struct fm_queue_event *event)
{
    fm_fault("expire_committed");
    struct fm_hub_move *move = event->context;
    struct fm_session *session = fm_session_by_id(move->hub->sessions, event->session);
    if (event->outcome == FM_QUEUE_MOVED) {
        fm_log(event->is_loss ? FM_LOG_WARNING : FM_LOG_INFO, "session_expired",
               "session=%016llx loss=%d", (unsigned long long)event->session, event->is_loss);
        if (session) {
            fm_session_remove(move->hub->sessions, session);
        }
    }
    fm_schedule_doubt(move->hub->schedule);
    move->hub->wants_heads = true;
    fm_hub_move_end(event);
}

static struct fm_queue_event *expire_event(uint64_t session_id)
{
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_EXPIRE);
    event->session = session_id;
    return event;
}

void fm_hub_dismiss(struct fm_hub *hub, struct fm_session *session)
{
    struct fm_hub_move *move = fm_hub_move_new(hub, &session->node.id, 0);
    struct fm_queue_event *event = expire_event(session->id);
    fm_session_remove(hub->sessions, session);
    fm_hub_add(move, event, expired);
}

void fm_hub_lose(struct fm_hub *hub, const struct fm_tick_session *row)
{
    struct fm_queue_event *event = expire_event(row->id);
    event->is_loss = true;
    event->beat = row->beat;
    fm_hub_add(fm_hub_move_new(hub, &row->node, 0), event, expired);
}
