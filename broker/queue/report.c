#include "broker/queue/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/fault.h"
#include "common/hash.h"
#include "common/log.h"
#include "common/memory.h"

/* The message being handled, and where it came from. All pointers are borrowed. */
struct report {
    struct fm_hub *hub;
    const struct fm_link_route *from;
    const struct fm_tick_node *node;
    struct fm_session *session; /* attached on this connection; NULL for HELLO alone */
    struct fm_message *message;
};

/* Zero for bytes of another length: no row has that id, so the event moves nothing. */
static struct fm_id id_of(struct fm_slice bytes)
{
    struct fm_id id = {0};
    if (bytes.length == sizeof id.bytes) {
        memcpy(id.bytes, bytes.data, sizeof id.bytes);
    }
    return id;
}

static void log_lease(const char *what, const struct fm_session *session, const struct fm_id *job,
                      uint64_t lease)
{
    char text[FM_ID_TEXT_SIZE];
    fm_id_format(FM_ID_JOB, job, text);
    fm_log(FM_LOG_INFO, what, "job=%s lease=%016" PRIx64 " node=%s", text, lease,
           session->node.name);
}

/* ---- HELLO ---- */

static void add_text(struct fm_message *message, struct fm_list *list, const char *text)
{
    struct fm_word *words = fm_arena_alloc(&message->arena, (list->count + 1) * sizeof *words);
    if (list->count) {
        memcpy(words, list->items, list->count * sizeof *words);
    }
    words[list->count].text = text;
    list->items = words;
    list->count++;
}

static void send_welcome(struct fm_hub *hub, struct fm_session *session)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_WELCOME);
    message.welcome.round_ms = hub->settings->round_ms;
    message.welcome.node = session->node.name;
    add_text(&message, &message.welcome.store_origins, hub->signed_url->store_origin);
    add_text(&message, &message.welcome.own, hub->settings->listen);
    add_text(&message, &message.welcome.own, hub->settings->link_listen);
    if (hub->settings->metrics_listen[0]) {
        add_text(&message, &message.welcome.own, hub->settings->metrics_listen);
    }
    if (!fm_link_send(hub->link, &session->route, &message)) {
        fm_log(FM_LOG_WARNING, "welcome_unsent", "node=%s", session->node.name);
    }
    fm_message_done(&message);
    fm_log(FM_LOG_INFO, "worker_attached", "node=%s boot=%" PRIu64 " leases=%u", session->node.name,
           session->boot, HASH_COUNT(session->leases));
}

/* A node may be revoked while its HELLO is being committed. */
static bool is_revoked(struct fm_hub *hub, const struct fm_id *id)
{
    struct fm_tick_node node;
    return !fm_node_find_id(hub->nodes, id, &node) || node.is_revoked;
}

static void accept_session(struct fm_hub *hub, struct fm_session *session, uint64_t id)
{
    session->id = id;
    session->state = FM_SESSION_ATTACHED;
    if (!is_revoked(hub, &session->node.id)) {
        send_welcome(hub, session);
        return;
    }
    fm_hub_refuse(hub, &session->route, FM_REFUSAL_REVOKED);
    fm_hub_dismiss(hub, session);
}

/* Every HELLO adds an ATTACH; only the commit of the last one of the same boot decides. */
static void attached(struct fm_queue_event *event)
{
    fm_fault("attach_committed");
    struct fm_hub_move *move = event->context;
    struct fm_hub *hub = move->hub;
    struct fm_session *session = fm_session_by_node(hub->sessions, &move->node);
    if (session && session->boot == event->boot && --session->attaching == 0) {
        if (event->outcome == FM_QUEUE_MOVED) {
            accept_session(hub, session, event->session);
        } else {
            fm_hub_refuse(hub, &session->route,
                          event->outcome == FM_QUEUE_STALE ? FM_REFUSAL_SUPERSEDED
                                                           : FM_REFUSAL_UNKNOWN);
            fm_session_remove(hub->sessions, session);
        }
        hub->wants_heads = true;
    }
    fm_schedule_doubt(hub->schedule); /* jobs whose leases the worker did not list wait again */
    fm_hub_move_end(event);
}

/* Takes over the leases that the worker lists. Where the database disagrees, the next tick reports
 * the lease as gone. */
static void adopt_leases(struct fm_session *session, const struct fm_hello *hello,
                         struct fm_queue_held *held)
{
    const struct fm_held *listed = hello->leases.items;
    for (size_t i = 0; i < hello->leases.count; i++) {
        held[i].account = id_of(listed[i].account);
        held[i].id = id_of(listed[i].job);
        held[i].lease = listed[i].lease;
        fm_session_lease_add(
            session, held[i].lease,
            listed[i].class < FM_CLASS_COUNT ? (enum fm_class)listed[i].class : FM_CLASS_NET,
            &held[i].account, &held[i].id);
    }
}

/* A reconnecting worker of the same boot keeps its session id; another boot gets a new session. */
static void session_reset(struct fm_session *session, const struct fm_link_route *route,
                          const struct fm_hello *hello)
{
    if (hello->boot != session->boot) {
        session->id = 0;
        session->attaching = 0;
    }
    fm_session_leases_clear(session);
    session->boot = hello->boot;
    session->state = FM_SESSION_ATTACHING;
    session->attaching++;
    session->route = *route;
    session->acks = 0;
    session->is_full = false;
    session->is_beating = false;
    session->is_asked = false;
    session->slots[FM_CLASS_NET] = (unsigned)hello->net_slots;
    session->slots[FM_CLASS_CPU] = (unsigned)hello->cpu_slots;
    snprintf(session->placement, sizeof session->placement, "%s",
             hello->placement ? hello->placement : "any");
}

/* 63 bits, so that the number is positive as a bigint. */
static uint64_t random_number(void)
{
    uint64_t number;
    fm_hash_random(&number, sizeof number);
    return number >> 1;
}

static void handle_hello(struct report *report)
{
    struct fm_hub *hub = report->hub;
    const struct fm_hello *hello = &report->message->hello;
    struct fm_session *known = fm_session_by_node(hub->sessions, &report->node->id);
    if (hello->version != FM_MESSAGE_VERSION) {
        fm_hub_refuse(hub, report->from, FM_REFUSAL_VERSION);
        return;
    }
    if (known && hello->boot < known->boot) {
        fm_hub_refuse(hub, report->from, FM_REFUSAL_SUPERSEDED);
        return;
    }
    struct fm_session *session = fm_session_get(hub->sessions, report->node);
    session_reset(session, report->from, hello);
    struct fm_hub_move *move = fm_hub_move_new(hub, &report->node->id, 0);
    move->held = fm_alloc_array(hello->leases.count + 1, sizeof *move->held);
    adopt_leases(session, hello, move->held);
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_ATTACH);
    event->session = session->id ? session->id : fm_id_new_lease() >> 1;
    event->boot = hello->boot;
    event->beat = random_number();
    event->held = move->held;
    event->held_count = hello->leases.count;
    fm_fault("hello_received");
    fm_hub_add(move, event, attached);
}

/* ---- HEARTBEAT ---- */

/* Acknowledges the heartbeat only now: a worker may go on while its session stands in the
 * database. */
static void beaten(struct fm_queue_event *event)
{
    fm_fault("beat_committed");
    struct fm_hub_move *move = event->context;
    struct fm_hub *hub = move->hub;
    struct fm_session *session = fm_session_by_id(hub->sessions, event->session);
    if (session && session->is_beating) {
        session->is_beating = false;
        if (event->outcome == FM_QUEUE_MOVED) {
            struct fm_message ack;
            fm_message_init(&ack, FM_MESSAGE_HEARTBEAT_ACK);
            ack.heartbeat_ack.number = ++session->acks;
            if (!fm_link_send(hub->link, &session->route, &ack)) {
                session->is_full = true;
            }
        } else if (event->outcome == FM_QUEUE_STALE) {
            fm_hub_refuse(hub, &session->route, FM_REFUSAL_UNKNOWN);
            fm_session_remove(hub->sessions, session);
        }
    }
    fm_hub_move_end(event);
}

/* Heartbeats that come while a BEAT is being committed add none. */
static void add_beat(struct fm_hub *hub, struct fm_session *session)
{
    if (session->is_beating) {
        return;
    }
    session->is_beating = true;
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_BEAT);
    event->session = session->id;
    fm_hub_add(fm_hub_move_new(hub, &session->node.id, 0), event, beaten);
}

/* Compares the leases on both sides: a lease that only the broker knows is released, a lease that
 * only the worker lists is canceled. */
static void handle_heartbeat(struct report *report)
{
    struct fm_session *session = report->session;
    const struct fm_heartbeat *heartbeat = &report->message->heartbeat;
    session->is_full = false;
    struct fm_session_lease *missing;
    while ((missing = fm_session_unlisted(session, heartbeat))) {
        log_lease("lease_unlisted", session, &missing->job, missing->lease);
        fm_hub_return(report->hub, session, missing);
    }
    const struct fm_held *listed = heartbeat->leases.items;
    for (size_t i = 0; i < heartbeat->leases.count; i++) {
        struct fm_id job = id_of(listed[i].job);
        if (!fm_session_lease_find(session, listed[i].lease)) {
            fm_hub_cancel(report->hub, session, &job, listed[i].lease, FM_CANCEL_REASON_STALE);
        }
    }
    add_beat(report->hub, session);
    report->hub->wants_heads = true;
}

/* ---- PROGRESS ---- */

/* The PROGRESS is committed. A stale lease means that the job is no longer this worker's. */
static void progressed(struct fm_queue_event *event)
{
    fm_fault("progress_committed");
    struct fm_hub_move *move = event->context;
    struct fm_session *session = fm_session_by_node(move->hub->sessions, &move->node);
    struct fm_session_lease *held = session ? fm_session_lease_find(session, move->lease) : NULL;
    if (held) {
        held->is_progressing = false;
        if (event->outcome == FM_QUEUE_STALE && !held->is_ending) {
            fm_hub_cancel(move->hub, session, &held->job, held->lease, FM_CANCEL_REASON_STALE);
            fm_session_lease_drop(session, held);
        }
    }
    fm_hub_move_end(event);
}

/* At most one PROGRESS of a lease is under way; reports that come meanwhile are dropped, since the
 * next one replaces them. Account and job are not stored again inside the packed record. */
static void handle_progress(struct report *report)
{
    struct fm_progress *progress = &report->message->progress;
    struct fm_session_lease *held = fm_session_lease_find(report->session, progress->lease);
    if (!held || held->is_ending || held->is_progressing) {
        return;
    }
    held->is_progressing = true;
    fm_fault("progress_received");
    struct fm_hub_move *move = fm_hub_move_new(report->hub, &report->node->id, held->lease);
    progress->account = progress->job = (struct fm_slice){0};
    fm_pack_write(&fm_record_progress, progress, &move->packed);
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_PROGRESS);
    event->account = held->account;
    event->id = held->job;
    event->packed = (struct fm_slice){move->packed.data, move->packed.length};
    fm_hub_add(move, event, progressed);
}

/* ---- WANT_UPLOAD ---- */

static void sign_upload_place(const struct fm_hub *hub, const struct fm_session_lease *held,
                              const struct fm_file_facts *file, struct fm_arena *arena,
                              int64_t now_s, struct fm_upload_place *place)
{
    struct fm_store_object object = {
        .account = held->account, .job = held->job, .lease = held->lease};
    snprintf(object.name, sizeof object.name, "%s", file->name ? file->name : "");
    object.size_bytes = (int64_t)file->size_bytes;
    if (file->sha256.length == sizeof object.sha256) {
        memcpy(object.sha256, file->sha256.data, sizeof object.sha256);
    }
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    fm_signed_url_store_put(hub->signed_url, &object, now_s, &url);
    place->name = fm_arena_strndup(arena, object.name, strlen(object.name));
    place->url = fm_arena_strndup(arena, fm_text_get(&url), url.length);
}

static void handle_want_upload(struct report *report)
{
    const struct fm_want_upload *want = &report->message->want_upload;
    struct fm_id job = id_of(want->job);
    struct fm_session_lease *held = fm_session_lease_find(report->session, want->lease);
    if (!held || held->is_ending) {
        fm_hub_cancel(report->hub, report->session, &job, want->lease, FM_CANCEL_REASON_STALE);
        return;
    }
    struct fm_message answer;
    fm_message_init(&answer, FM_MESSAGE_UPLOAD);
    struct fm_upload_place *places =
        fm_arena_alloc(&answer.arena, (want->files.count + 1) * sizeof *places);
    const struct fm_file_facts *files = want->files.items;
    for (size_t i = 0; i < want->files.count; i++) {
        sign_upload_place(report->hub, held, &files[i], &answer.arena, fm_clock_wall_us() / 1000000,
                          &places[i]);
    }
    answer.upload.job = fm_hub_bytes(&held->job);
    answer.upload.lease = held->lease;
    answer.upload.places = (struct fm_list){places, want->files.count};
    fm_fault("upload_signed");
    if (!fm_link_send(report->hub->link, report->from, &answer)) {
        fm_log(FM_LOG_WARNING, "upload_unsent", "node=%s", report->node->name);
    }
    fm_message_done(&answer);
}

/* ---- RESULT ---- */

static void acknowledge(struct fm_hub *hub, const struct fm_session *session,
                        const struct fm_id *job, uint64_t lease, bool is_stale)
{
    struct fm_message ack;
    fm_message_init(&ack, FM_MESSAGE_RESULT_ACK);
    ack.result_ack.job = fm_hub_bytes(job);
    ack.result_ack.lease = lease;
    ack.result_ack.stale = is_stale;
    if (!fm_link_send(hub->link, &session->route, &ack)) {
        log_lease("ack_unsent", session, job, lease);
    }
}

/* The RESULT is committed: acknowledges it. Without an acknowledgement the worker sends it again,
 * so a failed event only reopens the lease. */
static void ended(struct fm_queue_event *event)
{
    fm_fault("result_committed");
    struct fm_hub_move *move = event->context;
    struct fm_hub *hub = move->hub;
    struct fm_session *session = fm_session_by_node(hub->sessions, &move->node);
    struct fm_session_lease *held = session ? fm_session_lease_find(session, move->lease) : NULL;
    if (event->outcome == FM_QUEUE_FAILED) {
        if (held) {
            held->is_ending = false; /* the worker sends its RESULT again */
        }
    } else if (session) {
        log_lease(event->outcome == FM_QUEUE_STALE ? "result_stale" : "attempt_ended", session,
                  &event->id, move->lease);
        acknowledge(hub, session, &event->id, move->lease, event->outcome == FM_QUEUE_STALE);
        fm_fault("result_acknowledged");
        fm_session_lease_drop(session, held);
    }
    fm_watch_wake(hub->watch, &event->id);
    if (event->kind == FM_QUEUE_RELEASE) {
        fm_schedule_doubt(hub->schedule);
    }
    hub->wants_heads = true;
    fm_hub_move_end(event);
}

/* True if the attempt's result ends the job; otherwise the lease is released, and job_release.sql
 * decides whether a limit is reached. */
static bool is_final(const struct fm_result *result)
{
    return result->how == FM_HOW_SUCCEEDED ||
           (result->how == FM_HOW_FAILED &&
            fm_error_row(fm_error_from_wire(result->error))->retry == FM_RETRY_NEVER);
}

static struct fm_queue_event *finish_event(struct fm_hub_move *move, struct fm_result *result)
{
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_FINISH);
    event->state = result->how == FM_HOW_SUCCEEDED ? FM_STATE_SUCCEEDED : FM_STATE_FAILED;
    event->files = result->outputs.items;
    event->file_count = result->outputs.count;
    struct fm_result kept = *result;
    kept.account = kept.job = (struct fm_slice){0};
    fm_pack_write(&fm_record_result, &kept, &move->packed);
    event->packed = (struct fm_slice){move->packed.data, move->packed.length};
    return event;
}

static struct fm_queue_event *release_event(const struct fm_hub *hub,
                                            const struct fm_result *result)
{
    static const enum fm_queue_release kinds[] = {
        [FM_HOW_SUCCEEDED] = FM_RELEASE_RETRY,
        [FM_HOW_FAILED] = FM_RELEASE_RETRY,
        [FM_HOW_CRASHED] = FM_RELEASE_CRASH,
        [FM_HOW_LOST] = FM_RELEASE_LOSS,
    };
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_RELEASE);
    event->release = kinds[result->how];
    /* Full jitter: a random delay up to the base; the statement multiplies it by 4 for each earlier
     * try. */
    event->delay_ms = fm_hash_random_below((uint32_t)hub->settings->retry_base_ms + 1);
    return event;
}

static bool is_sound(const struct fm_file_facts *file)
{
    return file->name && fm_signed_url_is_name(file->name) && file->sha256.length == FM_HASH_SIZE &&
           file->size_bytes <= INT64_MAX;
}

/* Outputs become keys of the store and rows of `file`. If a node reports an output that can be
 * neither, the flush would be refused and the RESULT sent again until the deadline; so such an
 * attempt counts as failed. */
static void judge_outputs(struct fm_result *result)
{
    const struct fm_file_facts *files = result->outputs.items;
    bool are_sound = true;
    for (size_t i = 0; i < result->outputs.count; i++) {
        are_sound = are_sound && is_sound(&files[i]);
        for (size_t k = 0; are_sound && k < i; k++) {
            are_sound = strcmp(files[k].name, files[i].name) != 0;
        }
    }
    if (are_sound) {
        return;
    }
    result->how = FM_HOW_FAILED;
    result->error = FM_PROTOCOL;
    result->detail = "the worker reported outputs that cannot be stored";
    result->outputs = (struct fm_list){0};
}

static void handle_result(struct report *report)
{
    fm_fault("result_received");
    struct fm_id job = id_of(report->message->result.job);
    struct fm_session_lease *held =
        fm_session_lease_find(report->session, report->message->result.lease);
    if (held && held->is_ending) {
        return;
    }
    if (held) {
        held->is_ending = true;
    }
    struct fm_hub_move *move =
        fm_hub_move_new(report->hub, &report->node->id, report->message->result.lease);
    move->message = *report->message; /* the event's slices point into its arena */
    report->message->arena = (struct fm_arena){0};
    struct fm_result *result = &move->message.result;
    judge_outputs(result);
    struct fm_queue_event *event =
        is_final(result) ? finish_event(move, result) : release_event(report->hub, result);
    event->account = id_of(result->account);
    event->id = job;
    event->error = result->how == FM_HOW_SUCCEEDED ? FM_NONE : fm_error_from_wire(result->error);
    event->detail = result->detail;
    fm_hub_add(move, event, ended);
}

/* ---- REJECT, BYE ---- */

static void handle_reject(struct report *report)
{
    struct fm_session_lease *held =
        fm_session_lease_find(report->session, report->message->reject.lease);
    report->session->is_full = true;
    if (held && !held->is_ending) {
        fm_hub_return(report->hub, report->session, held);
    }
}

static void handle_bye(struct report *report)
{
    fm_log(FM_LOG_INFO, "worker_left", "node=%s", report->node->name);
    fm_hub_dismiss(report->hub, report->session);
}

/* ---- which message is handled by which function ---- */

static void (*const handlers[])(struct report *report) = {
    [FM_MESSAGE_HELLO] = handle_hello,       [FM_MESSAGE_REJECT] = handle_reject,
    [FM_MESSAGE_PROGRESS] = handle_progress, [FM_MESSAGE_WANT_UPLOAD] = handle_want_upload,
    [FM_MESSAGE_RESULT] = handle_result,     [FM_MESSAGE_HEARTBEAT] = handle_heartbeat,
    [FM_MESSAGE_BYE] = handle_bye,
};

static bool same_route(const struct fm_link_route *a, const struct fm_link_route *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* Finds the session of this connection. A message of another connection is refused; a message that
 * comes while the session is attaching is dropped. */
static bool is_attached(struct report *report)
{
    struct fm_session *session = fm_session_by_node(report->hub->sessions, &report->node->id);
    bool is_here = session && same_route(&session->route, report->from);
    if (is_here && session->state == FM_SESSION_ATTACHED) {
        report->session = session;
        return true;
    }
    if (!is_here) {
        fm_hub_refuse(report->hub, report->from, FM_REFUSAL_UNKNOWN);
    }
    return false;
}

void fm_report_handle(struct fm_hub *hub, const struct fm_link_route *from,
                      const struct fm_tick_node *node, struct fm_message *message)
{
    struct report report = {hub, from, node, NULL, message};
    size_t type = (size_t)message->type;
    if (node->is_revoked) {
        fm_hub_refuse(hub, from, FM_REFUSAL_REVOKED);
    } else if (type < FM_COUNT(handlers) && handlers[type] &&
               (type == FM_MESSAGE_HELLO || is_attached(&report))) {
        handlers[type](&report);
    }
    fm_message_done(message);
}
