/* Tests two brokers on one database. Each has its own queue, tick and schedule, as in dispatch.c;
 * they share nothing but the database. */
#include <poll.h>
#include <stdio.h>

#include "broker/queue/schedule.h"
#include "broker/queue/session.h"
#include "common/clock.h"
#include "common/memory.h"
#include "tests/integration/world.h"

#define L1 0xfedcba9876543210u
#define S1 0x8877665544332211u
#define S2 0x1122334455667788u
#define OTHER_BROKER 7u
#define WAIT_MS 10000
#define JOBS 300

struct broker {
    struct fm_queue *queue;
    struct fm_tick_db *tick;
    struct fm_schedule *order;
    struct fm_session_observer *observer;
    uint64_t session; /* of its worker */
    struct fm_tick_answer answer;
    bool is_answered;
    size_t gone_count, expire_count;
    struct fm_tick_lease gone;
    struct fm_tick_session expired;
};

static struct broker here, there;

static void open_broker(struct broker *broker, struct fm_queue *queue, uint64_t boot)
{
    *broker = (struct broker){.queue = queue,
                              .tick = fm_tick_db_new(world_postgres.url, boot),
                              .order = fm_schedule_new(NULL),
                              .observer = fm_session_observer_new(boot)};
}

static int begin(void **state)
{
    world_begin(state);
    open_broker(&here, world_queue, WORLD_BROKER);
    open_broker(&there, fm_queue_new(world_postgres.url, OTHER_BROKER), OTHER_BROKER);
    return 0;
}

static void close_broker(struct broker *broker)
{
    fm_tick_db_destroy(&broker->tick);
    fm_schedule_destroy(&broker->order);
    fm_session_observer_destroy(&broker->observer);
}

static int end(void **state)
{
    close_broker(&here);
    close_broker(&there);
    fm_queue_destroy(&there.queue);
    return world_end(state);
}

static enum fm_queue_outcome run(struct broker *broker, struct fm_queue_event *event)
{
    world_add(broker->queue, event);
    world_pump(broker->queue, 0);
    enum fm_queue_outcome outcome = event->outcome;
    fm_queue_event_destroy(&event);
    return outcome;
}

static void attach(struct broker *broker, struct fm_id node, uint64_t session)
{
    broker->session = session;
    assert_int_equal(run(broker, world_attach(node, session, 1)), FM_QUEUE_MOVED);
}

/* ---- reads by the tick ---- */

static void note_expired(void *context, const struct fm_tick_session *row)
{
    struct broker *broker = context;
    broker->expired = *row;
    broker->expire_count++;
}

static void note_answer(void *context, const struct fm_tick_answer *answer)
{
    struct broker *broker = context;
    assert_non_null(answer);
    broker->is_answered = true;
    broker->gone_count = answer->gone_count;
    if (answer->gone_count > 0) {
        broker->gone = answer->gone[0];
    }
    fm_schedule_refill(broker->order, "any:net", answer->heads, answer->head_count);
    fm_session_observe(broker->observer, answer->sessions, answer->session_count, note_expired,
                       broker);
}

static void pump_tick(struct broker *broker)
{
    int wait = fm_tick_db_pump(broker->tick);
    struct pollfd p = {.fd = fm_tick_db_fd(broker->tick),
                       .events = fm_tick_db_poll_events(broker->tick)};
    if (!broker->is_answered) {
        poll(&p, 1, wait < 0 || wait > 20 ? 20 : wait);
    }
}

static void read_tick(struct broker *broker, const struct fm_tick_lease *leases, size_t lease_count)
{
    static const char *const pools[] = {"any:net"};
    static const unsigned windows[] = {1024};
    const struct fm_tick_query query = {.pools = pools,
                                        .windows = windows,
                                        .pool_count = 1,
                                        .leases = leases,
                                        .lease_count = lease_count,
                                        .wants_sessions = true};
    int64_t deadline = fm_clock_ms() + WAIT_MS;
    broker->is_answered = false;
    while (!fm_tick_db_start(broker->tick, &query, note_answer, broker)) {
        assert_true(fm_clock_ms() < deadline);
        pump_tick(broker);
    }
    fm_schedule_begin_refill(broker->order);
    while (!broker->is_answered) {
        assert_true(fm_clock_ms() < deadline);
        pump_tick(broker);
    }
}

/* ---- claims ---- */

/* Adds a claim, for the broker's worker, of every job that its schedule knows. */
static size_t add_claims(struct broker *broker, struct fm_queue_event **events)
{
    struct fm_id node = fm_id_new();
    struct fm_tick_head head;
    size_t count = 0;
    while (fm_schedule_next(broker->order, "any:net", &node, false, &head)) {
        assert_true(count < JOBS);
        events[count] = world_claim(head.id, fm_id_new_lease(), broker->session);
        world_add(broker->queue, events[count++]);
    }
    return count;
}

static size_t count_won(struct fm_queue_event **events, size_t count)
{
    size_t won = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(events[i]->outcome == FM_QUEUE_MOVED || events[i]->outcome == FM_QUEUE_STALE);
        won += events[i]->outcome == FM_QUEUE_MOVED;
        fm_queue_event_destroy(&events[i]);
    }
    return won;
}

static void pump_both(void)
{
    int64_t deadline = fm_clock_ms() + WAIT_MS;
    while (fm_queue_pending(here.queue) + fm_queue_pending(there.queue) > 0) {
        assert_true(fm_clock_ms() < deadline);
        fm_queue_pump(here.queue);
        fm_queue_pump(there.queue);
        struct pollfd p[] = {
            {.fd = fm_queue_fd(here.queue), .events = fm_queue_poll_events(here.queue)},
            {.fd = fm_queue_fd(there.queue), .events = fm_queue_poll_events(there.queue)}};
        poll(p, 2, fm_queue_pending(here.queue) + fm_queue_pending(there.queue) > 0 ? 20 : 0);
    }
}

static void the_same_heads_are_claimed_by_one_of_two(void **state)
{
    (void)state;
    static struct fm_queue_event *mine[JOBS], *others[JOBS];
    attach(&here, world_node("one"), S1);
    attach(&there, world_node("two"), S2);
    for (size_t i = 0; i < JOBS; i++) {
        world_add(here.queue, mine[i] = world_enqueue(fm_id_new()));
    }
    world_pump(here.queue, 0);
    count_won(mine, JOBS);
    read_tick(&here, NULL, 0);
    read_tick(&there, NULL, 0);
    size_t mine_count = add_claims(&here, mine), others_count = add_claims(&there, others);
    assert_int_equal(mine_count, JOBS);
    assert_int_equal(others_count, JOBS);
    pump_both();
    assert_int_equal(count_won(mine, JOBS) + count_won(others, JOBS), JOBS);
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(DISTINCT lease_id) FROM live"),
                     JOBS);
}

static void a_job_that_waits_here_is_a_head_there_and_one_born_leased_is_not(void **state)
{
    (void)state;
    struct fm_id node = fm_id_new();
    struct fm_tick_head head;
    attach(&here, world_node("one"), S1);
    attach(&there, world_node("two"), S2);
    read_tick(&there, NULL, 0);
    assert_true(fm_schedule_is_open(there.order, "any:net"));
    assert_int_equal(run(&here, world_born(fm_id_new(), L1, S1)), FM_QUEUE_MOVED);
    read_tick(&there, NULL, 0);
    assert_true(fm_schedule_is_open(there.order, "any:net"));
    struct fm_id waits = fm_id_new();
    assert_int_equal(run(&here, world_enqueue(waits)), FM_QUEUE_MOVED);
    read_tick(&there, NULL, 0);
    assert_false(fm_schedule_is_open(there.order, "any:net"));
    assert_true(fm_schedule_next(there.order, "any:net", &node, false, &head));
    assert_int_equal(fm_id_compare(&head.id, &waits), 0);
}

/* ---- sessions ---- */

static void a_worker_that_goes_to_another_broker_takes_its_leases_along(void **state)
{
    (void)state;
    struct fm_id node = world_node("one"), id = fm_id_new(), late = fm_id_new();
    attach(&here, node, S1);
    assert_int_equal(run(&here, world_born(id, L1, S1)), FM_QUEUE_MOVED);
    struct fm_queue_held held = {.account = world_account, .id = id, .lease = L1};
    struct fm_queue_event *hello =
        world_attach(node, S2, 1); /* the broker does not know the id S1 */
    hello->held = &held;
    hello->held_count = 1;
    world_add(there.queue, hello);
    world_pump(there.queue, 0);
    assert_int_equal(hello->outcome, FM_QUEUE_MOVED);
    assert_true(hello->session == S1);
    fm_queue_event_destroy(&hello);
    assert_string_equal(world_place(id), "leased");
    /* The session belongs to `there` now: `here` may neither beat nor claim for it, nor give it new
     * jobs. */
    assert_int_equal(run(&here, world_beat(S1)), FM_QUEUE_STALE);
    assert_int_equal(run(&there, world_beat(S1)), FM_QUEUE_MOVED);
    struct fm_queue_event *born = world_born(late, L1 + 1, S1);
    world_add(here.queue, born);
    world_pump(here.queue, 0);
    assert_true(born->outcome == FM_QUEUE_MOVED && !born->is_leased);
    fm_queue_event_destroy(&born);
    assert_int_equal(run(&here, world_claim(late, L1 + 2, S1)), FM_QUEUE_STALE);
    assert_int_equal(run(&there, world_claim(late, L1 + 3, S1)), FM_QUEUE_MOVED);
    /* Any broker may record a result. */
    assert_int_equal(run(&here, world_finish(id, L1, FM_STATE_SUCCEEDED)), FM_QUEUE_MOVED);
    assert_int_equal(run(&there, world_finish(id, L1, FM_STATE_SUCCEEDED)), FM_QUEUE_MOVED);
    assert_int_equal(world_done(id, "starts"), 1);
}

static void a_cancel_on_one_broker_is_told_to_the_other_by_its_tick(void **state)
{
    (void)state;
    struct fm_id id = fm_id_new();
    attach(&here, world_node("one"), S1);
    assert_int_equal(run(&here, world_born(id, L1, S1)), FM_QUEUE_MOVED);
    const struct fm_tick_lease held = {world_account, id, L1};
    read_tick(&here, &held, 1);
    assert_int_equal(here.gone_count, 0);
    assert_int_equal(run(&there, world_cancel(id)), FM_QUEUE_MOVED);
    read_tick(&here, &held, 1);
    assert_int_equal(here.gone_count, 1);
    assert_true(here.gone.lease == L1);
}

/* ---- silence ---- */

static void silence_is_counted_to_six_by_its_own_broker_and_to_twelve_by_another(void **state)
{
    (void)state;
    struct fm_id id = fm_id_new();
    attach(&here, world_node("one"), S1);
    assert_int_equal(run(&here, world_born(id, L1, S1)), FM_QUEUE_MOVED);
    for (int read = 0; read <= 12; read++) {
        assert_int_equal(there.expire_count, 0);
        read_tick(&there, NULL, 0);
        if (read == 6) { /* the first read sees the beat, six more see it stand still */
            assert_int_equal(here.expire_count, 0);
        }
        if (read <= 6) {
            read_tick(&here, NULL, 0);
        }
    }
    assert_int_equal(here.expire_count, 1);
    assert_int_equal(there.expire_count, 1);
    /* Both brokers expire the session at once, as two observers may: one loss is counted. */
    struct fm_queue_event *both[] = {world_expire(S1, true), world_expire(S1, true)};
    both[0]->beat = here.expired.beat;
    both[1]->beat = there.expired.beat;
    world_add(here.queue, both[0]);
    world_add(there.queue, both[1]);
    pump_both();
    for (size_t i = 0; i < FM_COUNT(both); i++) {
        assert_int_equal(both[i]->outcome, FM_QUEUE_MOVED);
        fm_queue_event_destroy(&both[i]);
    }
    assert_string_equal(world_place(id), "waiting");
    assert_int_equal(world_live(id, "losses"), 1);
}

static void a_beat_heard_by_one_broker_starts_the_count_of_the_other_anew(void **state)
{
    (void)state;
    attach(&here, world_node("one"), S1);
    for (int read = 0; read < 30; read++) {
        read_tick(&there, NULL, 0);
        if (read % 10 == 9) {
            assert_int_equal(run(&here, world_beat(S1)), FM_QUEUE_MOVED);
        }
    }
    assert_int_equal(there.expire_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_heads_are_claimed_by_one_of_two),
        TEST(a_job_that_waits_here_is_a_head_there_and_one_born_leased_is_not),
        TEST(a_worker_that_goes_to_another_broker_takes_its_leases_along),
        TEST(a_cancel_on_one_broker_is_told_to_the_other_by_its_tick),
        TEST(silence_is_counted_to_six_by_its_own_broker_and_to_twelve_by_another),
        TEST(a_beat_heard_by_one_broker_starts_the_count_of_the_other_anew),
    };
    return cmocka_run_group_tests_name("brokers", tests, world_open, world_close);
}
