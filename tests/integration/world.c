#include "tests/integration/world.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/memory.h"

#define PUMP_MS 20000

struct postgres world_postgres;
struct fm_queue *world_queue;
struct fm_id world_account;

int world_open(void **state)
{
    (void)state;
    postgres_start(&world_postgres);
    return 0;
}

int world_close(void **state)
{
    (void)state;
    postgres_stop(&world_postgres);
    return 0;
}

int world_begin(void **state)
{
    (void)state;
    postgres_empty(&world_postgres);
    world_account = fm_id_new();
    world_queue = fm_queue_new(world_postgres.url, WORLD_BROKER);
    return 0;
}

int world_end(void **state)
{
    (void)state;
    fm_queue_destroy(&world_queue);
    assert_int_equal(postgres_audit(&world_postgres), 0);
    return 0;
}

struct fm_id world_node(const char *name)
{
    struct fm_id id = fm_id_new();
    char uuid[FM_ID_UUID_SIZE], sql[256];
    fm_id_to_uuid(&id, uuid);
    snprintf(sql, sizeof(sql),
             "INSERT INTO node (id, name, public_key) VALUES ('%s', '%s', rpad('%s', 40, 'x'))",
             uuid, name, name);
    postgres_run(&world_postgres, sql);
    return id;
}

void world_pump(struct fm_queue *queue, size_t left)
{
    int64_t deadline = fm_clock_ms() + PUMP_MS;
    int wait = fm_queue_pump(queue);
    while (fm_queue_pending(queue) > left) {
        assert_true(fm_clock_ms() < deadline);
        struct pollfd p = {.fd = fm_queue_fd(queue), .events = fm_queue_poll_events(queue)};
        poll(&p, 1, wait < 0 || wait > 100 ? 100 : wait);
        wait = fm_queue_pump(queue);
    }
}

static void note(struct fm_queue_event *event)
{
    assert_null(event->context); /* `done` may be called only once */
    event->context = event;
}

void world_add(struct fm_queue *queue, struct fm_queue_event *event)
{
    event->done = note;
    fm_queue_add(queue, event);
}

enum fm_queue_outcome world_do(struct fm_queue_event *event)
{
    world_add(world_queue, event);
    world_pump(world_queue, 0);
    assert_non_null(event->context);
    enum fm_queue_outcome outcome = event->outcome;
    fm_queue_event_destroy(&event);
    return outcome;
}

static struct fm_queue_event *of_job(enum fm_queue_kind kind, struct fm_id id, uint64_t lease)
{
    struct fm_queue_event *event = fm_queue_event_new(kind);
    event->account = world_account;
    event->id = id;
    event->lease = lease;
    return event;
}

struct fm_queue_event *world_enqueue(struct fm_id id)
{
    struct fm_queue_event *event = of_job(FM_QUEUE_ENQUEUE, id, 0);
    event->key = world_account;
    event->type = FM_TYPE_FETCH;
    event->pool = "any:net";
    event->lane = FM_PRIORITY_NORMAL;
    event->max_tries = 3;
    event->timeout_seconds = 3600;
    event->expires_seconds = 7200;
    event->spec = fm_slice_of("the spec");
    return event;
}

struct fm_queue_event *world_born(struct fm_id id, uint64_t lease, uint64_t session)
{
    struct fm_queue_event *event = world_enqueue(id);
    event->lease = lease;
    event->session = session;
    return event;
}

struct fm_queue_event *world_claim(struct fm_id id, uint64_t lease, uint64_t session)
{
    struct fm_queue_event *event = of_job(FM_QUEUE_CLAIM, id, lease);
    event->session = session;
    return event;
}

struct fm_queue_event *world_progress(struct fm_id id, uint64_t lease)
{
    struct fm_queue_event *event = of_job(FM_QUEUE_PROGRESS, id, lease);
    event->packed = fm_slice_of("half");
    return event;
}

struct fm_queue_event *world_finish(struct fm_id id, uint64_t lease, enum fm_state state)
{
    struct fm_queue_event *event = of_job(FM_QUEUE_FINISH, id, lease);
    event->state = state;
    event->packed = fm_slice_of("the result");
    event->error = state == FM_STATE_FAILED ? FM_MEDIA_INVALID : FM_NONE;
    event->detail = state == FM_STATE_FAILED ? "bad \"bytes\" \xff" : NULL;
    return event;
}

struct fm_queue_event *world_release(struct fm_id id, uint64_t lease, enum fm_queue_release why)
{
    struct fm_queue_event *event = of_job(FM_QUEUE_RELEASE, id, lease);
    event->release = why;
    event->error = FM_MEDIA_CRASH;
    event->delay_ms = 60000;
    return event;
}

struct fm_queue_event *world_cancel(struct fm_id id)
{
    return of_job(FM_QUEUE_CANCEL, id, 0);
}

struct fm_queue_event *world_delete(struct fm_id id)
{
    return of_job(FM_QUEUE_DELETE, id, 0);
}

struct fm_queue_event *world_defer(struct fm_id id)
{
    return of_job(FM_QUEUE_DEFER, id, 0);
}

struct fm_queue_event *world_attach(struct fm_id node, uint64_t session, uint64_t boot)
{
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_ATTACH);
    event->node = node;
    event->session = session;
    event->boot = boot;
    event->beat = fm_id_new_lease() / 2;
    return event;
}

struct fm_queue_event *world_expire(uint64_t session, bool is_loss)
{
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_EXPIRE);
    event->session = session;
    event->is_loss = is_loss;
    return event;
}

struct fm_queue_event *world_beat(uint64_t session)
{
    struct fm_queue_event *event = fm_queue_event_new(FM_QUEUE_BEAT);
    event->session = session;
    return event;
}

struct fm_id world_waiting(void)
{
    struct fm_id id = fm_id_new();
    assert_int_equal(world_do(world_enqueue(id)), FM_QUEUE_MOVED);
    return id;
}

struct fm_id world_leased(uint64_t lease, uint64_t session)
{
    struct fm_id id = world_waiting();
    assert_int_equal(world_do(world_claim(id, lease, session)), FM_QUEUE_MOVED);
    return id;
}

uint64_t world_session(uint64_t id, const char *node_name)
{
    assert_int_equal(world_do(world_attach(world_node(node_name), id, 1)), FM_QUEUE_MOVED);
    return id;
}

static long long ask_of(struct fm_id id, const char *table, const char *column)
{
    char uuid[FM_ID_UUID_SIZE];
    fm_id_to_uuid(&id, uuid);
    return postgres_ask(&world_postgres,
                        "SELECT coalesce((SELECT (%s)::bigint FROM %s WHERE id = '%s'), -1)",
                        column, table, uuid);
}

long long world_live(struct fm_id id, const char *column)
{
    return ask_of(id, "live", column);
}

long long world_done(struct fm_id id, const char *column)
{
    return ask_of(id, "done", column);
}

const char *world_place(struct fm_id id)
{
    long long leased = world_live(id, "(lease_id IS NOT NULL)::integer");
    if (leased >= 0) {
        return leased == 1 ? "leased" : "waiting";
    }
    long long outcome = world_done(id, "outcome");
    return outcome < 0 ? "nowhere" : fm_state_name((enum fm_state)outcome);
}
