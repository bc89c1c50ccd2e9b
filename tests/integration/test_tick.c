/* Tests what a broker learns from the tick's read of the database, every 250 ms. */
#include "broker/queue/tick_db.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/memory.h"
#include "tests/integration/world.h"

#define L1 0xfedcba9876543210u
#define L2 0x0123456789abcdefu
#define S1 0x8877665544332211u
#define S2 0x1122334455667788u
#define HEADS_MAX 64
#define WAIT_MS 10000

/* What the callback was given, copied: the answer is valid only during the call. */
struct seen {
    int calls;
    bool has_answer;
    struct fm_tick_answer answer;
    struct fm_tick_head heads[HEADS_MAX];
    size_t pools[HEADS_MAX];
    struct fm_tick_lease gone, overdue;
    struct fm_id ended, running;
    struct fm_tick_session session;
    struct fm_tick_running others;
    struct fm_tick_node nodes[2];
};

static struct seen seen;
static struct fm_tick_db *tick;

static void note(void *context, const struct fm_tick_answer *answer)
{
    struct seen *into = context;
    into->calls++;
    into->has_answer = answer != NULL;
    if (answer == NULL) {
        return;
    }
    into->answer = *answer;
    assert_in_range(answer->head_count, 0, HEADS_MAX);
    for (size_t i = 0; i < answer->head_count; i++) {
        into->heads[i] = answer->heads[i];
        into->pools[i] = answer->head_pool[i];
    }
    for (size_t i = 0; i < answer->node_count && i < FM_COUNT(into->nodes); i++) {
        into->nodes[i] = answer->nodes[i];
    }
    into->others = answer->others_count > 0 ? answer->others[0] : into->others;
    into->gone = answer->gone_count > 0 ? answer->gone[0] : into->gone;
    into->overdue = answer->overdue_count > 0 ? answer->overdue[0] : into->overdue;
    into->ended = answer->ended_count > 0 ? answer->ended[0] : into->ended;
    into->running = answer->running_count > 0 ? answer->running[0] : into->running;
    into->session = answer->session_count > 0 ? answer->sessions[0] : into->session;
}

static void wait_for(bool (*is_so)(const struct fm_tick_query *ask),
                     const struct fm_tick_query *ask)
{
    int64_t deadline = fm_clock_ms() + WAIT_MS;
    while (!is_so(ask)) {
        assert_true(fm_clock_ms() < deadline);
        struct pollfd p = {.fd = fm_tick_db_fd(tick), .events = fm_tick_db_poll_events(tick)};
        int wait = fm_tick_db_pump(tick);
        poll(&p, 1, wait < 0 || wait > 20 ? 20 : wait);
    }
}

static bool has_started(const struct fm_tick_query *ask)
{
    return fm_tick_db_start(tick, ask, note, &seen);
}

static bool is_answered(const struct fm_tick_query *ask)
{
    (void)ask;
    fm_tick_db_pump(tick);
    return seen.calls > 0;
}

static void read_tick(const struct fm_tick_query *ask)
{
    memset(&seen, 0, sizeof(seen));
    wait_for(has_started, ask);
    assert_false(fm_tick_db_start(tick, ask, note, &seen)); /* only one read at a time */
    wait_for(is_answered, ask);
    assert_int_equal(seen.calls, 1);
}

static int begin(void **state)
{
    tick = fm_tick_db_new(world_postgres.url, WORLD_BROKER);
    return world_begin(state);
}

static int end(void **state)
{
    fm_tick_db_destroy(&tick);
    return world_end(state);
}

static struct fm_id enqueue_for(struct fm_id account, const char *pool, enum fm_priority lane,
                                int64_t run_at_us)
{
    struct fm_queue_event *event = world_enqueue(fm_id_new());
    struct fm_id id = event->id;
    event->account = account;
    event->pool = pool;
    event->lane = lane;
    event->run_at_us = run_at_us;
    assert_int_equal(world_do(event), FM_QUEUE_MOVED);
    return id;
}

static void an_empty_look_tells_the_epochs(void **state)
{
    (void)state;
    struct fm_tick_query ask = {0};
    read_tick(&ask);
    assert_true(seen.has_answer && seen.answer.node_epoch > 0 && seen.answer.key_epoch > 0);
    uint64_t before = seen.answer.node_epoch;
    postgres_run(&world_postgres, "UPDATE epoch SET value = value + 1 WHERE name = 'node'");
    read_tick(&ask);
    assert_int_equal(seen.answer.node_epoch, before + 1);
}

static void heads_are_the_first_of_each_account_lane_and_pool(void **state)
{
    (void)state;
    struct fm_id big = fm_id_new(), small = fm_id_new();
    struct fm_id first[4];
    for (size_t i = 0; i < 6; i++) {
        struct fm_id id = enqueue_for(big, "any:net", FM_PRIORITY_NORMAL, 0);
        if (i < FM_COUNT(first)) {
            first[i] = id;
        }
    }
    struct fm_id only = enqueue_for(small, "any:net", FM_PRIORITY_NORMAL, 0);
    struct fm_id high = enqueue_for(big, "any:net", FM_PRIORITY_HIGH, 0);
    struct fm_id encode = enqueue_for(big, "any:cpu", FM_PRIORITY_LOW, 0);
    enqueue_for(big, "other:cpu", FM_PRIORITY_LOW, 0);
    enqueue_for(big, "any:cpu", FM_PRIORITY_HIGH, 4102444800000000);
    const char *pools[] = {"any:cpu", "any:net"};
    const unsigned windows[] = {3, 12};
    struct fm_tick_query ask = {.pools = pools, .windows = windows, .pool_count = 2};
    read_tick(&ask);
    struct {
        struct fm_id id;
        size_t pool;
        unsigned lane;
    } want[] = {{encode, 0, FM_PRIORITY_LOW},      {high, 1, FM_PRIORITY_HIGH},
                {first[0], 1, FM_PRIORITY_NORMAL}, {first[1], 1, FM_PRIORITY_NORMAL},
                {first[2], 1, FM_PRIORITY_NORMAL}, {first[3], 1, FM_PRIORITY_NORMAL},
                {only, 1, FM_PRIORITY_NORMAL}};
    assert_int_equal(seen.answer.head_count, FM_COUNT(want));
    for (size_t i = 0; i < FM_COUNT(want); i++) {
        size_t found = 0;
        while (found < FM_COUNT(want) && fm_id_compare(&seen.heads[found].id, &want[i].id) != 0) {
            found++;
        }
        assert_in_range(found, 0, FM_COUNT(want) - 1);
        assert_int_equal(seen.pools[found], want[i].pool);
        assert_int_equal(seen.heads[found].lane, want[i].lane);
        assert_int_equal(seen.heads[found].most, 4);
        assert_true(fm_id_is_zero(&seen.heads[found].avoid));
    }
}

static void a_look_between_two_ticks_asks_for_heads_alone(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id late = world_leased(L1, S1);
    postgres_run(&world_postgres, "UPDATE live SET deadline = now() - interval '2 minutes'");
    struct fm_id waits = enqueue_for(world_account, "any:net", FM_PRIORITY_NORMAL, 0);
    const char *pools[] = {"any:net"};
    const unsigned windows[] = {64};
    struct fm_tick_query ask = {
        .pools = pools, .windows = windows, .pool_count = 1, .wants_heads_only = true};
    read_tick(&ask);
    assert_int_equal(seen.answer.head_count, 1);
    assert_int_equal(fm_id_compare(&seen.heads[0].id, &waits), 0);
    assert_int_equal(seen.answer.overdue_count, 0);
    ask.wants_heads_only = false;
    read_tick(&ask);
    assert_int_equal(seen.answer.overdue_count, 1);
    assert_int_equal(fm_id_compare(&seen.overdue.id, &late), 0);
}

static void running_jobs_of_other_brokers_are_counted_by_account(void **state)
{
    (void)state;
    world_session(S1, "one");
    world_session(S2, "two");
    world_leased(L1, S1);
    world_leased(L2, S2);
    world_leased(L2 + 1, S2);
    struct fm_tick_query ask = {0};
    read_tick(&ask);
    assert_int_equal(seen.answer.others_count, 0);
    postgres_run(&world_postgres, "UPDATE session SET broker = 7 WHERE node = (SELECT id FROM node "
                                  "WHERE name = 'two')");
    read_tick(&ask);
    assert_int_equal(seen.answer.others_count, 1);
    assert_int_equal(fm_id_compare(&seen.others.account, &world_account), 0);
    assert_int_equal(seen.others.count, 2);
}

static void heads_tell_their_accounts_cap(void **state)
{
    (void)state;
    char uuid[FM_ID_UUID_SIZE], sql[256];
    fm_id_to_uuid(&world_account, uuid);
    snprintf(sql, sizeof(sql),
             "INSERT INTO account (id, name, email, password) VALUES ('%s', 'a', 'a', '')", uuid);
    postgres_run(&world_postgres, sql);
    world_waiting();
    const char *pools[] = {"any:net"};
    const unsigned windows[] = {64};
    struct fm_tick_query ask = {.pools = pools, .windows = windows, .pool_count = 1};
    read_tick(&ask);
    assert_int_equal(seen.heads[0].running_limit, 5);
    postgres_run(&world_postgres, "UPDATE account SET is_operator = true");
    read_tick(&ask);
    assert_int_equal(seen.heads[0].running_limit, 0);
}

static void a_lease_that_no_longer_stands_is_told(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id stands = world_leased(L1, S1), canceled = world_leased(L2, S1);
    assert_int_equal(world_do(world_cancel(canceled)), FM_QUEUE_MOVED);
    struct fm_tick_lease leases[] = {{world_account, stands, L1}, {world_account, canceled, L2}};
    struct fm_tick_query ask = {.leases = leases, .lease_count = 2};
    read_tick(&ask);
    assert_int_equal(seen.answer.gone_count, 1);
    assert_true(seen.gone.lease == L2);
}

static void watched_jobs_are_told_when_they_run_and_when_they_end(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id running = world_leased(L1, S1), ended = world_waiting();
    assert_int_equal(world_do(world_cancel(ended)), FM_QUEUE_MOVED);
    struct fm_id watched[] = {world_waiting(), ended, running};
    struct fm_tick_query ask = {.watched = watched, .watched_count = 3};
    read_tick(&ask);
    assert_int_equal(seen.answer.running_count, 1);
    assert_int_equal(seen.answer.ended_count, 1);
    assert_int_equal(fm_id_compare(&seen.running, &running), 0);
    assert_int_equal(fm_id_compare(&seen.ended, &ended), 0);
}

static void a_lease_a_minute_past_its_deadline_is_told_to_its_own_broker(void **state)
{
    (void)state;
    world_session(S1, "one");
    world_session(S2, "two");
    struct fm_id id = world_leased(L1, S1);
    world_leased(L2, S2);
    postgres_run(&world_postgres, "UPDATE live SET deadline = now() - interval '61 s'");
    postgres_run(
        &world_postgres,
        "UPDATE session SET broker = 7 WHERE node = (SELECT id FROM node WHERE name = 'two')");
    struct fm_tick_query ask = {0};
    read_tick(&ask);
    assert_int_equal(seen.answer.overdue_count, 1);
    assert_int_equal(fm_id_compare(&seen.overdue.id, &id), 0);
    assert_true(seen.overdue.lease == L1);
}

static void sessions_and_nodes_are_told_when_asked_for(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_tick_query ask = {.wants_sessions = true, .wants_nodes = true};
    read_tick(&ask);
    assert_int_equal(seen.answer.session_count, 1);
    assert_true(seen.session.id == S1 && seen.session.broker == WORLD_BROKER);
    assert_int_equal(seen.session.boot, 1);
    assert_int_equal(seen.answer.node_count, 1);
    assert_string_equal(seen.nodes[0].name, "one");
    assert_int_equal(strlen(seen.nodes[0].public_key), 40);
    assert_false(seen.nodes[0].is_revoked);
    assert_int_equal(fm_id_compare(&seen.session.node, &seen.nodes[0].id), 0);
}

static void a_look_that_fails_is_told_and_the_next_one_works(void **state)
{
    (void)state;
    struct fm_tick_query ask = {0};
    read_tick(&ask);
    memset(&seen, 0, sizeof(seen));
    /* The next read waits for the lock, and loses its connection there. */
    postgres_run(&world_postgres, "BEGIN; LOCK TABLE epoch");
    assert_true(fm_tick_db_start(tick, &ask, note, &seen));
    fm_tick_db_pump(tick);
    while (postgres_ask(&world_postgres, "SELECT count(pg_terminate_backend(pid)) FROM "
                                         "pg_stat_activity WHERE wait_event = 'relation'") == 0) {
    }
    wait_for(is_answered, &ask);
    assert_false(seen.has_answer);
    postgres_run(&world_postgres, "ROLLBACK");
    read_tick(&ask);
    assert_true(seen.has_answer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_look_tells_the_epochs),
        TEST(heads_are_the_first_of_each_account_lane_and_pool),
        TEST(a_look_between_two_ticks_asks_for_heads_alone),
        TEST(running_jobs_of_other_brokers_are_counted_by_account),
        TEST(heads_tell_their_accounts_cap),
        TEST(a_lease_that_no_longer_stands_is_told),
        TEST(watched_jobs_are_told_when_they_run_and_when_they_end),
        TEST(a_lease_a_minute_past_its_deadline_is_told_to_its_own_broker),
        TEST(sessions_and_nodes_are_told_when_asked_for),
        TEST(a_look_that_fails_is_told_and_the_next_one_works),
    };
    return cmocka_run_group_tests_name("tick", tests, world_open, world_close);
}
