/* Tests how requests look up keys and jobs. */
#include "broker/db/reader.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/scope.h"
#include "tests/integration/world.h"

#define L1 0xfedcba9876543210u
#define S1 0x8877665544332211u
#define WAIT_S 30

static struct fm_reader *reader;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int answered;

static void note(struct fm_reader_lookup *lookup)
{
    (void)lookup;
    pthread_mutex_lock(&mutex);
    answered++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
}

static void await(int count)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    pthread_mutex_lock(&mutex);
    int late = 0;
    while (answered < count && late == 0) {
        late = pthread_cond_timedwait(&changed, &mutex, &until);
    }
    int got = answered;
    answered = 0;
    pthread_mutex_unlock(&mutex);
    assert_int_equal(got, count);
}

static void ask(struct fm_reader_lookup *lookup)
{
    lookup->done = note;
    fm_reader_look_up(reader, lookup);
    await(1);
}

static struct fm_reader_lookup by_key(char digest)
{
    struct fm_reader_lookup lookup = {.has_digest = true};
    memset(lookup.digest, digest, sizeof(lookup.digest));
    return lookup;
}

/* Adds an account with a key. Every byte of the key's digest is `digest`; `more` is SQL for
 * expires_at and revoked_at. */
static void make_key(char digest, const char *more)
{
    char account[FM_ID_UUID_SIZE], key[FM_ID_UUID_SIZE], hex[2 * FM_HASH_SIZE + 1], sql[1024];
    struct fm_id id = fm_id_new();
    fm_id_to_uuid(&world_account, account);
    fm_id_to_uuid(&id, key);
    for (size_t i = 0; i < FM_HASH_SIZE; i++) {
        snprintf(hex + 2 * i, 3, "%02x", (unsigned char)digest);
    }
    snprintf(sql, sizeof(sql),
             "INSERT INTO account (id, name, email, password, is_operator) VALUES ('%s', 'Ann', "
             "'a@b', '', true) ON CONFLICT DO NOTHING; INSERT INTO api_key (id, account, name, "
             "digest, pepper, last4, scopes, expires_at, revoked_at) VALUES ('%s', '%s', 'first', "
             "'\\x%s', 1, 'abcd', 3, %s)",
             account, key, account, hex, more);
    postgres_run(&world_postgres, sql);
}

static int begin(void **state)
{
    world_begin(state);
    reader = fm_reader_new(world_postgres.url, 2);
    answered = 0;
    return 0;
}

static int end(void **state)
{
    fm_reader_destroy(&reader);
    return world_end(state);
}

static void a_key_is_found_with_its_account(void **state)
{
    (void)state;
    make_key('a', "now() + interval '1 day', NULL");
    struct fm_reader_lookup lookup = by_key('a');
    ask(&lookup);
    assert_int_equal(lookup.failure, FM_NONE);
    assert_true(lookup.has_key && lookup.is_operator && !lookup.has_job);
    assert_int_equal(lookup.scopes, FM_SCOPE_FETCH | FM_SCOPE_PROCESS);
    assert_string_equal(lookup.key_name, "first");
    assert_string_equal(lookup.key_last4, "abcd");
    assert_string_equal(lookup.account_name, "Ann");
    assert_string_equal(lookup.plan, "trial");
    assert_int_equal(fm_id_compare(&lookup.key_account, &world_account), 0);
    assert_in_range(lookup.key_expires_at_us - fm_clock_wall_us(), 86390000000, 86410000000);
    assert_true(fm_reader_is_ready(reader));
    fm_reader_lookup_done(&lookup);
}

static void unknown_expired_and_revoked_keys_are_none(void **state)
{
    (void)state;
    make_key('e', "now() - interval '1 s', NULL");
    make_key('r', "NULL, now()");
    for (const char *digest = "era"; *digest != '\0'; digest++) {
        struct fm_reader_lookup lookup = by_key(*digest);
        ask(&lookup);
        assert_true(lookup.failure == FM_NONE && !lookup.has_key);
        fm_reader_lookup_done(&lookup);
    }
}

static void a_revoked_key_is_refused_by_the_very_next_lookup(void **state)
{
    (void)state;
    make_key('a', "NULL, NULL");
    for (int i = 0; i < 2; i++) {
        struct fm_reader_lookup lookup = by_key('a');
        ask(&lookup);
        assert_int_equal(lookup.has_key, i == 0);
        fm_reader_lookup_done(&lookup);
        postgres_run(&world_postgres, "UPDATE api_key SET revoked_at = now()");
    }
}

static struct fm_reader_lookup of_job(struct fm_id id)
{
    struct fm_reader_lookup lookup = by_key('a');
    lookup.wants_job = true;
    lookup.job = id;
    ask(&lookup);
    return lookup;
}

static void a_job_is_read_in_each_of_its_states(void **state)
{
    (void)state;
    make_key('a', "NULL, NULL");
    world_session(S1, "berlin-1");
    struct fm_id id = world_waiting();
    struct fm_reader_lookup lookup = of_job(id);
    assert_true(lookup.has_job && lookup.found.state == FM_STATE_QUEUED && !lookup.found.is_retry);
    assert_int_equal(lookup.found.max_attempts, 3);
    assert_true(fm_slice_equals(lookup.found.spec, "the spec"));
    assert_null(lookup.found.node);
    assert_string_equal(lookup.found.pool, "any:net");
    assert_int_equal(lookup.found.lane, FM_PRIORITY_NORMAL);
    fm_reader_lookup_done(&lookup);

    assert_int_equal(world_do(world_claim(id, L1, S1)), FM_QUEUE_MOVED);
    assert_int_equal(world_do(world_progress(id, L1)), FM_QUEUE_MOVED);
    lookup = of_job(id);
    assert_int_equal(lookup.found.state, FM_STATE_RUNNING);
    assert_string_equal(lookup.found.node, "berlin-1");
    assert_true(fm_slice_equals(lookup.found.progress, "half"));
    assert_true(lookup.found.started_at_us > 0 && lookup.found.completed_at_us == 0);
    fm_reader_lookup_done(&lookup);

    assert_int_equal(world_do(world_release(id, L1, FM_RELEASE_RETRY)), FM_QUEUE_MOVED);
    lookup = of_job(id);
    assert_true(lookup.found.state == FM_STATE_QUEUED && lookup.found.is_retry);
    assert_int_equal(lookup.found.starts, 1);
    fm_reader_lookup_done(&lookup);

    postgres_run(&world_postgres, "UPDATE live SET run_at = now()");
    assert_int_equal(world_do(world_claim(id, L1, S1)), FM_QUEUE_MOVED);
    struct fm_queue_event *finish = world_finish(id, L1, FM_STATE_SUCCEEDED);
    assert_int_equal(world_do(finish), FM_QUEUE_MOVED);
    lookup = of_job(id);
    assert_int_equal(lookup.found.state, FM_STATE_SUCCEEDED);
    assert_true(lookup.found.lease == L1 &&
                lookup.found.completed_at_us > lookup.found.started_at_us);
    assert_true(lookup.found.expires_at_us > lookup.found.completed_at_us);
    assert_true(fm_slice_equals(lookup.found.result, "the result"));
    assert_int_equal(lookup.found.max_attempts, 3);
    fm_reader_lookup_done(&lookup);
}

static void a_job_whose_time_is_ahead_is_scheduled(void **state)
{
    (void)state;
    make_key('a', "NULL, NULL");
    struct fm_queue_event *event = world_enqueue(fm_id_new());
    struct fm_id id = event->id;
    event->run_at_us = 4102444800000000;
    assert_int_equal(world_do(event), FM_QUEUE_MOVED);
    struct fm_reader_lookup lookup = of_job(id);
    assert_int_equal(lookup.found.state, FM_STATE_SCHEDULED);
    assert_int_equal(lookup.found.run_at_us, 4102444800000000);
    fm_reader_lookup_done(&lookup);
}

static void another_accounts_job_is_not_there(void **state)
{
    (void)state;
    make_key('a', "NULL, NULL");
    struct fm_queue_event *event = world_enqueue(fm_id_new());
    struct fm_id id = event->id, other = fm_id_new();
    event->account = other;
    assert_int_equal(world_do(event), FM_QUEUE_MOVED);
    struct fm_reader_lookup lookup = of_job(id);
    assert_true(lookup.has_key && !lookup.has_job);
    fm_reader_lookup_done(&lookup);
    struct fm_reader_lookup own = {.account = other, .wants_job = true, .job = id};
    ask(&own);
    assert_true(own.has_job && !own.has_key);
    fm_reader_lookup_done(&own);
}

static void a_bad_key_reads_no_job(void **state)
{
    (void)state;
    struct fm_reader_lookup lookup = of_job(world_waiting());
    assert_true(!lookup.has_key && !lookup.has_job);
    fm_reader_lookup_done(&lookup);
}

static void an_accounts_jobs_are_counted_over_pools_and_lanes(void **state)
{
    (void)state;
    make_key('a', "NULL, NULL");
    world_session(S1, "one");
    world_leased(L1, S1);
    world_waiting();
    struct fm_queue_event *encode = world_enqueue(fm_id_new()), *other = world_enqueue(fm_id_new());
    encode->pool = "any:cpu";
    encode->lane = FM_PRIORITY_LOW;
    other->account = fm_id_new();
    assert_int_equal(world_do(encode), FM_QUEUE_MOVED);
    assert_int_equal(world_do(other), FM_QUEUE_MOVED);
    struct fm_reader_lookup lookup = by_key('a');
    lookup.wants_counts = true;
    ask(&lookup);
    assert_int_equal(lookup.queued_jobs, 2);
    assert_int_equal(lookup.running_jobs, 1);
    fm_reader_lookup_done(&lookup);
}

static void many_lookups_at_once_each_get_their_own_answer(void **state)
{
    (void)state;
    enum { LOOKUPS = 500 };
    static struct fm_reader_lookup lookups[LOOKUPS];
    make_key('a', "NULL, NULL");
    make_key('b', "NULL, NULL");
    struct fm_id id = world_waiting();
    for (int i = 0; i < LOOKUPS; i++) {
        lookups[i] = by_key("abx"[i % 3]);
        lookups[i].wants_job = i % 2 == 0;
        lookups[i].job = id;
        lookups[i].done = note;
        fm_reader_look_up(reader, &lookups[i]);
    }
    await(LOOKUPS);
    for (int i = 0; i < LOOKUPS; i++) {
        assert_int_equal(lookups[i].has_key, i % 3 != 2);
        assert_int_equal(lookups[i].has_job, i % 3 != 2 && i % 2 == 0);
        fm_reader_lookup_done(&lookups[i]);
    }
}

static void dead_connections_are_replaced_without_the_caller_knowing(void **state)
{
    (void)state;
    make_key('a', "NULL, NULL");
    for (int i = 0; i < 3; i++) {
        struct fm_reader_lookup lookup = by_key('a');
        ask(&lookup);
        assert_true(lookup.failure == FM_NONE && lookup.has_key);
        fm_reader_lookup_done(&lookup);
        postgres_run(&world_postgres, "SELECT count(pg_terminate_backend(pid)) FROM "
                                      "pg_stat_activity WHERE pid <> pg_backend_pid() AND "
                                      "datname = current_database()");
    }
}

static void a_batch_that_is_not_answered_is_asked_again_elsewhere(void **state)
{
    (void)state;
    make_key('a', "NULL, NULL");
    struct fm_reader_lookup lookup = by_key('a');
    ask(&lookup);
    fm_reader_lookup_done(&lookup);
    /* The backend of the first try waits for the lock and is stopped there; the second try, on
     * another connection, finds the lock gone. */
    postgres_run(&world_postgres, "BEGIN; LOCK TABLE api_key");
    lookup = by_key('a');
    lookup.done = note;
    int64_t before = fm_clock_ms();
    fm_reader_look_up(reader, &lookup);
    while (postgres_ask(&world_postgres, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = "
                                         "'relation'") == 0) {
    }
    pid_t stuck = (pid_t)postgres_ask(&world_postgres, "SELECT pid FROM pg_stat_activity WHERE "
                                                       "wait_event = 'relation'");
    assert_int_equal(kill(stuck, SIGSTOP), 0);
    postgres_run(&world_postgres, "ROLLBACK");
    await(1);
    assert_int_equal(kill(stuck, SIGCONT), 0);
    assert_true(lookup.failure == FM_NONE && lookup.has_key);
    assert_true(fm_clock_ms() - before >= 850);
    fm_reader_lookup_done(&lookup);
}

static void no_database_is_unavailable_after_two_seconds_never_allowed(void **state)
{
    (void)state;
    make_key('a', "NULL, NULL");
    postgres_crash(&world_postgres);
    int64_t before = fm_clock_ms();
    struct fm_reader_lookup lookup = by_key('a');
    ask(&lookup);
    assert_int_equal(lookup.failure, FM_UNAVAILABLE);
    assert_false(lookup.has_key);
    assert_true(fm_clock_ms() - before >= 1900);
    fm_reader_lookup_done(&lookup);
    postgres_again(&world_postgres);
    int64_t deadline = fm_clock_ms() + INT64_C(1000) * WAIT_S;
    do {
        lookup = by_key('a');
        ask(&lookup);
        fm_reader_lookup_done(&lookup);
    } while (lookup.failure != FM_NONE && fm_clock_ms() < deadline);
    assert_true(lookup.has_key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_is_found_with_its_account),
        TEST(unknown_expired_and_revoked_keys_are_none),
        TEST(a_revoked_key_is_refused_by_the_very_next_lookup),
        TEST(a_job_is_read_in_each_of_its_states),
        TEST(a_job_whose_time_is_ahead_is_scheduled),
        TEST(another_accounts_job_is_not_there),
        TEST(a_bad_key_reads_no_job),
        TEST(an_accounts_jobs_are_counted_over_pools_and_lanes),
        TEST(many_lookups_at_once_each_get_their_own_answer),
        TEST(dead_connections_are_replaced_without_the_caller_knowing),
        TEST(a_batch_that_is_not_answered_is_asked_again_elsewhere),
        TEST(no_database_is_unavailable_after_two_seconds_never_allowed),
    };
    return cmocka_run_group_tests_name("reader", tests, world_open, world_close);
}
