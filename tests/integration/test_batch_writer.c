/* Tests the batch writer: all jobs of a batch are added once, whatever happens to the connection.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/db/batch_writer.h"
#include "common/clock.h"
#include "common/memory.h"
#include "sql/sql.h"
#include "tests/integration/world.h"

#define WAIT_MS 20000
#define OUTCOME_S 60 /* a task that takes longer hangs */
#define JOBS 3000
#define TASKS_MAX 1000

static struct fm_db *side; /* a rival's connection */
static struct fm_batch_writer *writer;
static struct fm_batch_file *file;

/* A task that the batch writer has, and a way to wait until its `done` was called. */
struct posting {
    struct fm_batch_writer_task task;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned done;
};

static void fill(void)
{
    static const char spec[] = "a spec";
    struct fm_error err = {0};
    assert_true(fm_batch_file_new("/tmp", &file, &err));
    for (int i = 0; i < JOBS; i++) {
        struct fm_batch_job job = {.run_at_us = i == 7 ? INT64_C(1900000000123456) : 0,
                                   .timeout_seconds = 60 + i,
                                   .expires_seconds = 3600,
                                   .type = 1,
                                   .site = 3,
                                   .lane = (int16_t)(i % 3),
                                   .max_tries = 4,
                                   .pool = "any:net",
                                   .spec = {spec, (size_t)(i % 7)}};
        assert_true(fm_batch_file_add(file, &job, &err));
    }
}

static int begin(void **state)
{
    struct fm_error err = {0};
    world_begin(state);
    postgres_run(&world_postgres, "TRUNCATE batch");
    writer = fm_batch_writer_new(world_postgres.url);
    fill();
    return fm_db_open(world_postgres.url, FM_DB_ADMIN, fm_clock_ms() + WAIT_MS, &side, &err) ? 0
                                                                                             : 1;
}

static int end(void **state)
{
    fm_db_close(&side);
    fm_batch_writer_destroy(&writer);
    fm_batch_file_destroy(&file);
    return world_end(state);
}

static void note_done(struct fm_batch_writer_task *task)
{
    struct posting *posting = task->context;
    pthread_mutex_lock(&posting->lock);
    posting->done++;
    pthread_cond_signal(&posting->changed);
    pthread_mutex_unlock(&posting->lock);
}

static struct posting *post_task(const struct fm_batch_writer_task *task)
{
    struct posting *posting = fm_alloc(sizeof(*posting));
    pthread_mutex_init(&posting->lock, NULL);
    pthread_cond_init(&posting->changed, NULL);
    posting->task = *task;
    posting->task.done = note_done;
    posting->task.context = posting;
    fm_batch_writer_post(writer, &posting->task);
    return posting;
}

static struct posting *post(const struct fm_id *batch, const struct fm_id *first)
{
    struct fm_batch_writer_task task = {.kind = FM_BATCH_WRITER_ADD,
                                        .batch = *batch,
                                        .account = world_account,
                                        .key = world_account,
                                        .first = *first,
                                        .file = file};
    return post_task(&task);
}

static enum fm_error_code outcome(struct posting *posting)
{
    struct timespec until;
    int late = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += OUTCOME_S;
    pthread_mutex_lock(&posting->lock);
    while (posting->done == 0 && late == 0) {
        late = pthread_cond_timedwait(&posting->changed, &posting->lock, &until);
    }
    pthread_mutex_unlock(&posting->lock);
    assert_int_equal(late, 0);
    enum fm_error_code failure = posting->task.failure;
    assert_int_equal(posting->done, 1);
    pthread_cond_destroy(&posting->changed);
    pthread_mutex_destroy(&posting->lock);
    free(posting);
    return failure;
}

static enum fm_error_code add(const struct fm_id *batch, const struct fm_id *first)
{
    return outcome(post(batch, first));
}

static long long count(const char *table)
{
    return postgres_ask(&world_postgres, "SELECT count(*) FROM %s", table);
}

static void assert_whole(void)
{
    assert_int_equal(count("batch"), 1);
    assert_int_equal(count("job"), JOBS);
    assert_int_equal(count("live"), JOBS);
}

static void run_beside(const char *sql)
{
    struct fm_error err = {0};
    assert_true(fm_db_run(side, sql, NULL, 0, fm_clock_ms() + WAIT_MS, NULL, &err));
}

static void wait_until(const char *question)
{
    int64_t until_ms = fm_clock_ms() + WAIT_MS;
    while (postgres_ask(&world_postgres, "%s", question) == 0) {
        assert_true(fm_clock_ms() < until_ms);
    }
}

#define WAITS                                                                                      \
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND state = 'active'"

/* ---- the rows ---- */

static void a_batch_stands_as_it_was_asked_for(void **state)
{
    (void)state;
    struct fm_id batch = fm_id_new(), first = fm_id_series_new();
    struct fm_id seventh = fm_id_series_at(&first, 7), last = fm_id_series_at(&first, JOBS - 1);
    char uuid[FM_ID_UUID_SIZE];
    assert_int_equal(add(&batch, &first), FM_NONE);
    assert_whole();
    fm_id_to_uuid(&last, uuid);
    assert_int_equal(postgres_ask(&world_postgres,
                                  "SELECT count(*) FROM batch b JOIN job j ON j.batch = b.id AND "
                                  "j.id BETWEEN b.first AND b.last WHERE b.last = '%s' AND "
                                  "b.jobs = %d",
                                  uuid, JOBS),
                     JOBS);
    assert_int_equal(world_live(seventh, "extract(epoch FROM run_at) * 1000000"),
                     INT64_C(1900000000123456));
    assert_int_equal(world_live(last, "timeout_s"), 60 + JOBS - 1);
    assert_int_equal(world_live(last, "max_tries + 10 * site + 100 * lane"),
                     34 + 100 * ((JOBS - 1) % 3));
    assert_true(
        llabs(world_live(last, "extract(epoch FROM run_at) * 1000") - fm_id_time_ms(&first)) <= 1);
    assert_int_equal(count("job WHERE octet_length(spec) = 6 AND spec = 'a spec'"), (JOBS - 1) / 7);
    assert_int_equal(count("live WHERE pool = 'any:net' AND expires_s = 3600 AND tries = 0"), JOBS);
}

/* As in a retry after an uncertain commit. */
static void a_batch_that_stands_is_not_added_again(void **state)
{
    (void)state;
    struct fm_id batch = fm_id_new(), first = fm_id_series_new();
    assert_int_equal(add(&batch, &first), FM_NONE);
    assert_int_equal(add(&batch, &first), FM_NONE);
    assert_whole();
}

static void a_batch_waits_for_a_lock_and_stands_after_it(void **state)
{
    (void)state;
    struct fm_id batch = fm_id_new(), first = fm_id_series_new();
    struct posting *one = post(&batch, &first);
    assert_int_equal(outcome(one), FM_NONE);
    run_beside("BEGIN; LOCK TABLE live IN ACCESS EXCLUSIVE MODE");
    struct fm_id other = fm_id_new(), later = fm_id_series_new();
    struct posting *waiting = post(&other, &later);
    wait_until(WAITS);
    run_beside("COMMIT");
    assert_int_equal(outcome(waiting), FM_NONE);
    assert_int_equal(count("batch"), 2);
    assert_int_equal(count("live"), 2 * JOBS);
}

/* ---- connections ---- */

#define TERMINATE                                                                                  \
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"

static void
a_connection_lost_in_the_middle_of_a_copy_leaves_nothing_and_it_is_tried_again(void **state)
{
    (void)state;
    struct fm_id batch = fm_id_new(), first = fm_id_series_new();
    run_beside("BEGIN; LOCK TABLE live IN ACCESS EXCLUSIVE MODE");
    struct posting *posting = post(&batch, &first);
    wait_until(WAITS);
    assert_int_equal(postgres_ask(&world_postgres, TERMINATE), 1);
    wait_until(WAITS);
    assert_int_equal(count("batch"), 0);
    run_beside("COMMIT");
    assert_int_equal(outcome(posting), FM_NONE);
    assert_whole();
}

#define HOLDING                                                                                    \
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%COMMIT%'"

/* The commit is durable, but its answer never comes: the next try finds the batch. */
static void a_commit_whose_answer_is_lost_is_found(void **state)
{
    (void)state;
    struct fm_id batch = fm_id_new(), first = fm_id_series_new();
    postgres_run(&world_postgres, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    postgres_run(&world_postgres, "SELECT pg_reload_conf()");
    wait_until("SELECT (current_setting('synchronous_standby_names') = 'nobody')::int");
    struct posting *posting = post(&batch, &first);
    wait_until(HOLDING);
    /* A commit that waits for its replica is invisible; it becomes visible when its connection
     * ends. */
    assert_int_equal(count("batch"), 0);
    postgres_ask(&world_postgres, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                                  "WHERE wait_event = 'SyncRep'");
    assert_int_equal(outcome(posting), FM_NONE);
    postgres_run(&world_postgres, "ALTER SYSTEM RESET synchronous_standby_names");
    postgres_run(&world_postgres, "SELECT pg_reload_conf()");
    assert_whole();
}

/* A batch is tried for five seconds; on a busy machine the server may take as long to come back. */
static void a_crash_in_the_middle_leaves_nothing_and_it_is_tried_again(void **state)
{
    (void)state;
    struct fm_id batch = fm_id_new(), first = fm_id_series_new();
    /* Without it, recovery would replay all earlier tests, and take longer than a batch waits. */
    postgres_run(&world_postgres, "CHECKPOINT");
    run_beside("BEGIN; LOCK TABLE live IN ACCESS EXCLUSIVE MODE");
    struct posting *posting = post(&batch, &first);
    wait_until(WAITS);
    int64_t gone_ms = fm_clock_ms();
    postgres_crash(&world_postgres);
    postgres_again(&world_postgres);
    bool is_soon_back = fm_clock_ms() - gone_ms < 4000;
    enum fm_error_code failure = outcome(posting);
    if (failure == FM_UNAVAILABLE && !is_soon_back) {
        assert_int_equal(count("batch"), 0);
        failure = add(&batch, &first);
    }
    assert_int_equal(failure, FM_NONE);
    assert_whole();
}

static void without_a_database_a_batch_is_unavailable(void **state)
{
    (void)state;
    struct fm_id batch = fm_id_new(), first = fm_id_series_new();
    kill(world_postgres.pid, SIGSTOP);
    enum fm_error_code failure = add(&batch, &first);
    kill(world_postgres.pid, SIGCONT);
    assert_int_equal(failure, FM_UNAVAILABLE);
    assert_int_equal(count("batch"), 0);
}

static unsigned asked; /* number of calls of never(); written by the thread that has the task */

static bool never(const struct fm_batch_writer_task *task)
{
    (void)task;
    asked++;
    return false;
}

/* Once the caller has answered that it will not wait, the database is not tried again. */
static void a_caller_that_will_not_wait_gets_its_answer_at_once(void **state)
{
    (void)state;
    asked = 0;
    struct fm_id batch = fm_id_new(), first = fm_id_series_new();
    struct fm_batch_writer_task task = {.kind = FM_BATCH_WRITER_ADD,
                                        .batch = batch,
                                        .account = world_account,
                                        .first = first,
                                        .file = file,
                                        .may_go_on = never};
    kill(world_postgres.pid, SIGSTOP);
    enum fm_error_code failure = outcome(post_task(&task));
    kill(world_postgres.pid, SIGCONT);
    assert_int_equal(failure, FM_UNAVAILABLE);
    assert_int_equal(asked, 1);
}

/* ---- how many at once ---- */

static void an_account_has_four_under_way(void **state)
{
    (void)state;
    struct fm_id other = fm_id_new();
    for (int i = 0; i < 4; i++) {
        assert_true(fm_batch_writer_enter(writer, &world_account));
    }
    assert_false(fm_batch_writer_enter(writer, &world_account));
    assert_true(fm_batch_writer_enter(writer, &other));
    fm_batch_writer_leave(writer, &world_account);
    assert_true(fm_batch_writer_enter(writer, &world_account));
    for (int i = 0; i < 27; i++) {
        struct fm_id another = fm_id_new();
        assert_true(fm_batch_writer_enter(writer, &another));
    }
    assert_false(fm_batch_writer_enter(writer, &other));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_batch_stands_as_it_was_asked_for),
        TEST(a_batch_that_stands_is_not_added_again),
        TEST(a_batch_waits_for_a_lock_and_stands_after_it),
        TEST(a_connection_lost_in_the_middle_of_a_copy_leaves_nothing_and_it_is_tried_again),
        TEST(a_commit_whose_answer_is_lost_is_found),
        TEST(without_a_database_a_batch_is_unavailable),
        TEST(a_caller_that_will_not_wait_gets_its_answer_at_once),
        TEST(an_account_has_four_under_way),
        TEST(a_crash_in_the_middle_leaves_nothing_and_it_is_tried_again),
    };
    return cmocka_run_group_tests_name("batch_writer", tests, world_open, world_close);
}
