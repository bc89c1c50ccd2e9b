/* Tests the flush under attack: lost connections, uncertain commits, deadlocks, rival brokers, an
 * absent database. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/memory.h"
#include "tests/integration/world.h"

#define L1 0xfedcba9876543210u
#define L2 0x0123456789abcdefu
#define S1 0x8877665544332211u
#define S2 0x1122334455667788u
#define OTHER_BROKER 7u
#define WAIT_MS 20000

static struct fm_db *side; /* a second connection beside world_postgres.db */

static int begin(void **state)
{
    struct fm_error err = {0};
    world_begin(state);
    return fm_db_open(world_postgres.url, FM_DB_ADMIN, fm_clock_ms() + WAIT_MS, &side, &err) ? 0
                                                                                             : 1;
}

static int end(void **state)
{
    fm_db_close(&side);
    return world_end(state);
}

/* Pumps the queue until the question's answer is not 0. */
static void pump_until(const char *question)
{
    int64_t deadline = fm_clock_ms() + WAIT_MS;
    while (postgres_ask(&world_postgres, "%s", question) == 0) {
        assert_true(fm_clock_ms() < deadline);
        fm_queue_pump(world_queue);
    }
}

#define WAITING_FOR_LOCK                                                                           \
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND state = 'active'"
#define WAITING_FOR_REPLICA "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"

/* From now on a commit is made durable but does not return: it waits for a replica that never
 * comes. */
static void hold_commits(void)
{
    int64_t deadline = fm_clock_ms() + WAIT_MS;
    postgres_run(&world_postgres, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    postgres_run(&world_postgres, "SELECT pg_reload_conf()");
    while (postgres_ask(&world_postgres, WAITING_FOR_REPLICA) == 0) {
        assert_true(fm_clock_ms() < deadline);
        enum fm_db_state state = fm_db_pump(side);
        if (state == FM_DB_IDLE || state == FM_DB_ANSWERED) {
            fm_db_send_text(side, "UPDATE epoch SET value = value + 1 WHERE name = 'pause'");
        }
    }
}

/* Ends every commit that waits, by the SQL function given, and pumps until they have ended. */
static void break_commits(const char *function)
{
    pump_until("SELECT count(*) > 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    long long newest = postgres_ask(&world_postgres,
                                    "SELECT max(extract(epoch FROM xact_start) * 1000000)::bigint "
                                    "FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    char sql[256];
    snprintf(sql, sizeof(sql), "SELECT %s(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
             function);
    postgres_run(&world_postgres, sql);
    snprintf(sql, sizeof(sql),
             "SELECT count(*) = 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND "
             "(extract(epoch FROM xact_start) * 1000000)::bigint <= %lld",
             newest);
    pump_until(sql);
}

static void let_commits_go(void)
{
    postgres_run(&world_postgres, "ALTER SYSTEM RESET synchronous_standby_names");
    postgres_run(&world_postgres, "SELECT pg_reload_conf()");
}

/* One event of each kind, and the ids to check after all have run, perhaps twice. */
struct story {
    struct fm_queue_event *events[10];
    struct fm_id enqueued, born, claimed, progressed, finished, released, canceled, lost;
};

static void start_story(struct story *story)
{
    struct fm_id node = world_node("one");
    assert_int_equal(world_do(world_attach(node, S1, 1)), FM_QUEUE_MOVED);
    world_session(S2, "two");
    story->enqueued = fm_id_new();
    story->born = fm_id_new();
    story->claimed = world_waiting();
    story->progressed = world_leased(L1, S1);
    story->finished = world_leased(L1 + 1, S1);
    story->released = world_leased(L1 + 2, S1);
    story->canceled = world_leased(L1 + 3, S1);
    story->lost = world_leased(L1 + 4, S2);
    static struct fm_queue_held held[4];
    held[0].lease = L1;
    held[1].lease = L2;
    held[2].lease = L1 + 1;
    held[3].lease = L2 + 1;
    struct fm_queue_event *attach = world_attach(node, S1, 1);
    attach->held = held;
    attach->held_count = FM_COUNT(held);
    struct fm_queue_event *const all[] = {
        world_enqueue(story->enqueued),
        world_born(story->born, L2 + 1, S1),
        world_claim(story->claimed, L2, S1),
        world_progress(story->progressed, L1),
        world_finish(story->finished, L1 + 1, FM_STATE_SUCCEEDED),
        world_release(story->released, L1 + 2, FM_RELEASE_RETRY),
        world_cancel(story->canceled),
        attach,
        world_expire(S2, true),
        world_beat(S1),
    };
    for (size_t i = 0; i < FM_COUNT(all); i++) {
        story->events[i] = all[i];
        world_add(world_queue, all[i]);
    }
}

/* The second run of a release or cancel finds that the first has done it already. */
static void end_story(struct story *story, bool ran_twice)
{
    world_pump(world_queue, 0);
    for (size_t i = 0; i < FM_COUNT(story->events); i++) {
        enum fm_queue_outcome want = FM_QUEUE_MOVED;
        if (ran_twice && story->events[i]->kind == FM_QUEUE_RELEASE) {
            want = FM_QUEUE_STALE;
        } else if (ran_twice && story->events[i]->kind == FM_QUEUE_CANCEL) {
            want = FM_QUEUE_ENDED;
            assert_int_equal(story->events[i]->state, FM_STATE_CANCELED);
        }
        assert_int_equal(story->events[i]->outcome, want);
        assert_int_equal(story->events[i]->is_leased, i == 1);
        fm_queue_event_destroy(&story->events[i]);
    }
    assert_string_equal(world_place(story->enqueued), "waiting");
    assert_string_equal(world_place(story->born), "leased");
    assert_int_equal(world_live(story->born, "starts"), 1);
    assert_string_equal(world_place(story->claimed), "leased");
    assert_int_equal(world_live(story->claimed, "starts"), 1);
    assert_string_equal(world_place(story->progressed), "leased");
    assert_string_equal(world_place(story->finished), "succeeded");
    assert_string_equal(world_place(story->released), "waiting");
    assert_int_equal(world_live(story->released, "tries"), 1);
    assert_string_equal(world_place(story->canceled), "canceled");
    assert_string_equal(world_place(story->lost), "waiting");
    assert_int_equal(world_live(story->lost, "losses"), 1);
}

static void a_flush_runs_as_one(void **state)
{
    (void)state;
    struct story story;
    start_story(&story);
    end_story(&story, false);
}

static void a_flush_whose_backend_dies_before_the_commit_runs_again(void **state)
{
    (void)state;
    struct story story;
    start_story(&story);
    postgres_run(&world_postgres, "BEGIN; SELECT FROM live FOR UPDATE");
    pump_until(WAITING_FOR_LOCK);
    postgres_run(&world_postgres, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                                  "wait_event_type = 'Lock'");
    postgres_run(&world_postgres, "ROLLBACK");
    end_story(&story, false);
}

static void a_flush_whose_backend_dies_after_the_commit_runs_again_unharmed(void **state)
{
    (void)state;
    struct story story;
    start_story(&story);
    hold_commits();
    break_commits("pg_terminate_backend");
    let_commits_go();
    end_story(&story, true);
}

static void a_commit_answered_with_a_warning_is_not_believed(void **state)
{
    (void)state;
    struct story story;
    start_story(&story);
    hold_commits();
    break_commits("pg_cancel_backend");
    /* The second run has nothing left to move, but waits for the replica as the first did. */
    pump_until("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    assert_int_equal(fm_queue_pending(world_queue), 10);
    let_commits_go();
    end_story(&story, true);
}

/* `side` does not check for deadlocks (its timeout is an hour), so the flush finds it and loses. */
static void the_loser_of_a_deadlock_runs_again(void **state)
{
    (void)state;
    struct fm_error err = {0};
    world_session(S1, "one");
    struct fm_id finished = world_leased(L1, S1), gate = world_leased(L2, S1);
    struct fm_id canceled = world_waiting();
    struct fm_queue_event *events[] = {world_finish(finished, L1, FM_STATE_SUCCEEDED),
                                       world_release(gate, L2, FM_RELEASE_UNCOUNTED),
                                       world_cancel(canceled)};
    char sql[256], uuid[FM_ID_UUID_SIZE];
    /* `side` locks the job that will be canceled; world_postgres.db locks another job, the gate,
     * which the flush reaches first. */
    fm_id_to_uuid(&canceled, uuid);
    snprintf(sql, sizeof(sql),
             "SET deadlock_timeout = '1h'; BEGIN; SELECT FROM live WHERE id = '%s' FOR UPDATE",
             uuid);
    assert_true(fm_db_run(side, sql, NULL, 0, fm_clock_ms() + WAIT_MS, NULL, &err));
    fm_id_to_uuid(&gate, uuid);
    snprintf(sql, sizeof(sql), "BEGIN; SELECT FROM live WHERE id = '%s' FOR UPDATE", uuid);
    postgres_run(&world_postgres, sql);
    for (size_t i = 0; i < FM_COUNT(events); i++) {
        world_add(world_queue, events[i]);
    }
    pump_until("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
    fm_id_to_uuid(&finished, uuid);
    snprintf(sql, sizeof(sql), "SELECT FROM live WHERE id = '%s' FOR UPDATE; COMMIT", uuid);
    fm_db_send_text(side, sql);
    fm_db_pump(side);
    pump_until("SELECT count(*) = 2 FROM pg_stat_activity WHERE wait_event_type = 'Lock'");
    postgres_run(&world_postgres, "COMMIT");
    while (fm_db_pump(side) == FM_DB_BUSY || fm_queue_pending(world_queue) > 0) {
        fm_queue_pump(world_queue);
    }
    assert_int_equal(fm_db_verdict(side, &err), FM_DB_DONE);
    for (size_t i = 0; i < FM_COUNT(events); i++) {
        assert_int_equal(events[i]->outcome, FM_QUEUE_MOVED);
        fm_queue_event_destroy(&events[i]);
    }
}

static void clients_wait_five_seconds_for_a_database_that_is_away_others_for_good(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1), new_id = fm_id_new();
    struct fm_queue_event *finish = world_finish(id, L1, FM_STATE_SUCCEEDED);
    struct fm_queue_event *enqueue = world_enqueue(new_id);
    postgres_run(&world_postgres, "CHECKPOINT");
    postgres_crash(&world_postgres);
    world_add(world_queue, finish);
    world_add(world_queue, enqueue);
    int64_t before = fm_clock_ms();
    world_pump(world_queue, 1);
    assert_true(fm_clock_ms() - before >= 4900);
    assert_int_equal(enqueue->outcome, FM_QUEUE_FAILED);
    assert_true(enqueue->failure == FM_UNAVAILABLE || enqueue->failure == FM_DATABASE_UNCERTAIN);
    assert_null(finish->context);
    postgres_again(&world_postgres);
    world_pump(world_queue, 0);
    assert_int_equal(finish->outcome, FM_QUEUE_MOVED);
    fm_queue_event_destroy(&finish);
    fm_queue_event_destroy(&enqueue);
    assert_string_equal(world_place(id), "succeeded");
    assert_string_equal(world_place(new_id), "nowhere");
}

/* The lock on `done` blocks only the flush's second read. */
static void a_known_outcome_is_delivered_even_if_the_second_read_gets_no_answer(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = fm_id_new();
    assert_int_equal(world_do(world_born(id, L1, S1)), FM_QUEUE_MOVED);
    postgres_run(&world_postgres, "CHECKPOINT; BEGIN; LOCK TABLE done");
    struct fm_queue_event *plain = world_enqueue(fm_id_new());
    struct fm_queue_event *again = world_born(id, L1, S1);
    struct fm_queue_event *stale = world_progress(id, L2);
    world_add(world_queue, plain);
    world_add(world_queue, again);
    world_add(world_queue, stale);
    world_pump(world_queue, 2);
    assert_int_equal(plain->outcome, FM_QUEUE_MOVED);
    assert_true(again->context == NULL && stale->context == NULL);
    postgres_crash(&world_postgres);
    int64_t before = fm_clock_ms();
    world_pump(world_queue, 1);
    assert_true(fm_clock_ms() - before >= 4900);
    /* The job exists; whether it is leased is unknown. */
    assert_int_equal(again->outcome, FM_QUEUE_MOVED);
    assert_true(!again->is_leased && again->failure == FM_DATABASE_UNCERTAIN);
    postgres_again(&world_postgres);
    world_pump(world_queue, 0);
    assert_int_equal(stale->outcome, FM_QUEUE_STALE);
    fm_queue_event_destroy(&plain);
    fm_queue_event_destroy(&again);
    fm_queue_event_destroy(&stale);
    assert_string_equal(world_place(id), "leased");
}

static void a_server_that_cannot_write_is_waited_for(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    struct fm_queue_event *finish = world_finish(id, L1, FM_STATE_SUCCEEDED);
    postgres_run(&world_postgres, "ALTER SYSTEM SET default_transaction_read_only = on");
    postgres_run(&world_postgres, "SELECT pg_reload_conf()");
    while (postgres_ask(
               &world_postgres,
               "SELECT (current_setting('default_transaction_read_only') = 'on')::integer") == 0) {
    }
    fm_queue_destroy(&world_queue);
    world_queue = fm_queue_new(world_postgres.url, WORLD_BROKER);
    world_add(world_queue, finish);
    bool was_connected = false;
    while (!was_connected || fm_queue_is_connected(world_queue)) {
        fm_queue_pump(world_queue);
        was_connected = was_connected || fm_queue_is_connected(world_queue);
    }
    assert_int_equal(fm_queue_pending(world_queue), 1);
    postgres_run(&world_postgres, "ALTER SYSTEM RESET default_transaction_read_only");
    postgres_run(&world_postgres, "SELECT pg_reload_conf()");
    world_pump(world_queue, 0);
    assert_int_equal(finish->outcome, FM_QUEUE_MOVED);
    fm_queue_event_destroy(&finish);
}

/* Two brokers, a hundred jobs, random events: in time every pair that can collide does. */
enum { JOBS = 100, ROUNDS = 60, EVENTS = 40 };

struct rival {
    struct fm_queue *queue;
    uint64_t session;
    struct fm_id node;
    uint64_t boot;
    struct fm_queue_event *events[EVENTS];
};

static struct fm_id jobs[JOBS];
static uint64_t lease_of[JOBS]; /* the lease of the job's latest claim */
static unsigned finishes[JOBS], cancels[JOBS];

static struct fm_queue_event *draw_event(struct rival *rival)
{
    unsigned which = (unsigned)rand() % JOBS;
    switch (rand() % 10) {
    case 0:
    case 1:
    case 2:
        return world_claim(jobs[which], fm_id_new_lease(), rival->session);
    case 3:
        return world_progress(jobs[which], lease_of[which]);
    case 4:
        return world_finish(jobs[which], lease_of[which], FM_STATE_SUCCEEDED);
    case 5:
        return world_release(jobs[which], lease_of[which], FM_RELEASE_UNCOUNTED);
    case 6:
        return rand() % 8 == 0 ? world_cancel(jobs[which]) : world_beat(rival->session);
    case 8: /* as a POST from long ago that runs again */
        return world_born(jobs[which], fm_id_new_lease(), rival->session);
    case 7:
        return rand() % 4 == 0 ? world_expire(rival->session, false) : world_beat(rival->session);
    default:
        return world_attach(rival->node, rival->session, rival->boot);
    }
}

static size_t find_job(const struct fm_queue_event *event)
{
    size_t i = 0;
    while (i < JOBS && fm_id_compare(&jobs[i], &event->id) != 0) {
        i++;
    }
    return i;
}

static void note_round(struct rival *rival)
{
    for (size_t i = 0; i < EVENTS; i++) {
        struct fm_queue_event *event = rival->events[i];
        size_t job = find_job(event);
        bool has_moved = event->outcome == FM_QUEUE_MOVED && job < JOBS;
        assert_int_not_equal(event->outcome, FM_QUEUE_FAILED);
        if (has_moved && event->kind == FM_QUEUE_CLAIM) {
            lease_of[job] = event->lease;
        }
        cancels[job % JOBS] += has_moved && event->kind == FM_QUEUE_CANCEL;
        /* The same lease may report its result twice; a second lease may not report one. */
        bool is_first = has_moved && event->kind == FM_QUEUE_FINISH &&
                        (finishes[job] == 0 || event->lease != lease_of[job]);
        finishes[job % JOBS] += is_first;
        fm_queue_event_destroy(&rival->events[i]);
    }
}

static void play_round(struct rival *rivals, size_t count)
{
    for (size_t r = 0; r < count; r++) {
        for (size_t i = 0; i < EVENTS; i++) {
            rivals[r].events[i] = draw_event(&rivals[r]);
            world_add(rivals[r].queue, rivals[r].events[i]);
        }
    }
    int64_t deadline = fm_clock_ms() + WAIT_MS;
    while (fm_queue_pending(rivals[0].queue) + fm_queue_pending(rivals[1].queue) > 0) {
        assert_true(fm_clock_ms() < deadline);
        struct pollfd p[2];
        for (size_t r = 0; r < count; r++) {
            fm_queue_pump(rivals[r].queue);
            p[r] = (struct pollfd){.fd = fm_queue_fd(rivals[r].queue),
                                   .events = fm_queue_poll_events(rivals[r].queue)};
        }
        if (fm_queue_pending(rivals[0].queue) + fm_queue_pending(rivals[1].queue) > 0) {
            poll(p, 2, 20);
        }
    }
}

static void rivals_never_end_a_job_twice_nor_lose_one(void **state)
{
    (void)state;
    srand(20251124);
    memset(finishes, 0, sizeof(finishes));
    memset(cancels, 0, sizeof(cancels));
    struct fm_queue *other = fm_queue_new(world_postgres.url, OTHER_BROKER);
    struct rival rivals[] = {
        {.queue = world_queue, .session = S1, .node = world_node("one"), .boot = 1},
        {.queue = other, .session = S2, .node = world_node("two"), .boot = 1}};
    for (size_t i = 0; i < JOBS; i++) {
        jobs[i] = fm_id_new();
        lease_of[i] = fm_id_new_lease();
        world_do(world_born(jobs[i], lease_of[i], i % 2 == 0 ? S1 : 0));
    }
    for (int round = 0; round < ROUNDS; round++) {
        play_round(rivals, FM_COUNT(rivals));
        note_round(&rivals[0]);
        note_round(&rivals[1]);
        if (round % 10 == 9) {
            postgres_run(&world_postgres, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                          "WHERE pid <> pg_backend_pid() AND datname = "
                                          "current_database()");
        }
        if (round % 20 == 19) {
            assert_int_equal(postgres_audit(&world_postgres), 0);
        }
    }
    long long ended = postgres_ask(&world_postgres, "SELECT count(*) FROM done");
    assert_int_equal(ended + postgres_ask(&world_postgres, "SELECT count(*) FROM live"), JOBS);
    unsigned outcomes = 0;
    for (size_t i = 0; i < JOBS; i++) {
        assert_true(finishes[i] + cancels[i] <= 1);
        outcomes += finishes[i] + cancels[i];
    }
    assert_int_equal(outcomes, ended);
    assert_true(ended > JOBS / 10);
    fm_queue_destroy(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_flush_runs_as_one),
        TEST(a_flush_whose_backend_dies_before_the_commit_runs_again),
        TEST(a_flush_whose_backend_dies_after_the_commit_runs_again_unharmed),
        TEST(a_commit_answered_with_a_warning_is_not_believed),
        TEST(the_loser_of_a_deadlock_runs_again),
        TEST(a_server_that_cannot_write_is_waited_for),
        TEST(a_known_outcome_is_delivered_even_if_the_second_read_gets_no_answer),
        TEST(rivals_never_end_a_job_twice_nor_lose_one),
        TEST(clients_wait_five_seconds_for_a_database_that_is_away_others_for_good),
    };
    return cmocka_run_group_tests_name("rivals", tests, world_open, world_close);
}
