/* Tests the daily partitions of job rows: when a day is dropped, and when it stays. */
#include "broker/db/partition.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/memory.h"
#include "tests/integration/world.h"

#define DAYS 30
#define DAY_MS INT64_C(86400000)
#define ASK_MS 20000

static struct fm_db *db;

static int begin(void **state)
{
    struct fm_error err = {0};
    assert_true(fm_db_open(world_postgres.url, FM_DB_ADMIN, fm_clock_ms() + ASK_MS, &db, &err));
    int failed = world_begin(state);
    postgres_run(&world_postgres, "DELETE FROM batch");
    postgres_run(&world_postgres, "SELECT partition_make(current_date - 40, current_date - 38)");
    return failed;
}

static int end(void **state)
{
    fm_db_close(&db);
    return world_end(state);
}

static void drop(void)
{
    struct fm_error err = {0};
    if (!fm_partition_drop(db, DAYS, &err)) {
        fail_msg("%s", err.detail);
    }
}

static long long count_old(void)
{
    return postgres_ask(&world_postgres,
                        "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname ~ "
                        "'^(job|done)_[0-9]{8}$' AND right(relname, 8)::date < current_date - 30");
}

/* An id as made `days` days ago. */
static struct fm_id old_id(int days)
{
    return fm_id_floor(fm_clock_wall_us() / 1000 - days * DAY_MS);
}

/* A job made `days` days ago. It waits; a test that needs an ended job cancels it. */
static struct fm_id old_job(int days)
{
    struct fm_id id = old_id(days);
    assert_int_equal(world_do(world_enqueue(id)), FM_QUEUE_MOVED);
    return id;
}

static void what_is_old_and_over_goes_with_its_batches(void **state)
{
    (void)state;
    struct fm_id id = old_job(39), young = world_waiting();
    assert_int_equal(world_do(world_cancel(id)), FM_QUEUE_MOVED);
    char uuid[FM_ID_UUID_SIZE], sql[512];
    fm_id_to_uuid(&id, uuid);
    snprintf(sql, sizeof(sql),
             "INSERT INTO batch (id, account, key, first, last, jobs) VALUES ('%s', "
             "gen_random_uuid(), gen_random_uuid(), '%s', '%s', 1)",
             uuid, uuid, uuid);
    postgres_run(&world_postgres, sql);
    assert_int_equal(count_old(), 6);
    drop();
    assert_int_equal(count_old(), 0);
    assert_string_equal(world_place(id), "nowhere");
    assert_string_equal(world_place(young), "waiting");
    assert_int_equal(postgres_ask(&world_postgres, "SELECT count(*) FROM batch"), 0);
    drop(); /* there is nothing left to do */
}

static void what_lives_keeps_its_day_and_all_after_it(void **state)
{
    (void)state;
    struct fm_id id = old_job(39);
    drop();
    assert_int_equal(count_old(), 4); /* the day before the job's was dropped */
    assert_string_equal(world_place(id), "waiting");
    assert_int_equal(world_do(world_cancel(id)), FM_QUEUE_MOVED);
    drop();
    assert_int_equal(count_old(), 0);
}

static void a_file_that_is_kept_keeps_its_day(void **state)
{
    (void)state;
    struct fm_id id = old_job(40);
    assert_int_equal(world_do(world_cancel(id)), FM_QUEUE_MOVED);
    postgres_run(
        &world_postgres,
        "INSERT INTO file (id, account, job, lease_id, name, extension, content_type, "
        "size_bytes, sha256, expires_at) SELECT gen_random_uuid(), account, id, 1, 'a', "
        "'b', 'c', 1, decode(repeat('00', 32), 'hex'), now() + interval '1 hour' FROM done");
    drop();
    assert_int_equal(count_old(), 6);
    postgres_run(&world_postgres, "DELETE FROM file");
    drop();
    assert_int_equal(count_old(), 0);
}

static void what_is_younger_stays(void **state)
{
    (void)state;
    drop();
    assert_int_equal(postgres_ask(&world_postgres,
                                  "SELECT count(*) FROM pg_inherits WHERE inhparent = "
                                  "'job'::regclass"),
                     10);
}

/* Waits until the question has this answer. */
static void wait_until(const char *question, long long answer)
{
    int64_t deadline = fm_clock_ms() + ASK_MS;
    while (postgres_ask(&world_postgres, "%s", question) != answer) {
        assert_true(fm_clock_ms() < deadline);
    }
}

/* A reader that stays in its transaction makes a detach wait when it is half done; then the detach
 * is killed. */
static void what_was_left_half_done_is_finished(void **state)
{
    (void)state;
    static const char pending[] = "SELECT count(*) FROM pg_inherits WHERE inhdetachpending";
    struct fm_db *reader = NULL, *other = NULL;
    struct fm_error err = {0};
    FM_AUTO(fm_text_done) struct fm_text detach = {0};
    int64_t soon = fm_clock_ms() + ASK_MS;
    assert_true(fm_db_open(world_postgres.url, FM_DB_ADMIN, soon, &reader, &err));
    assert_true(fm_db_open(world_postgres.url, FM_DB_ADMIN, soon, &other, &err));
    assert_true(fm_db_run(reader, "BEGIN; SELECT count(*) FROM job", NULL, 0, soon, NULL, &err));
    struct fm_db_rows *rows = NULL;
    assert_true(fm_db_run(other,
                          "SELECT relname FROM pg_class WHERE relname = 'job_' || "
                          "to_char(current_date - 40, 'YYYYMMDD')",
                          NULL, 0, soon, &rows, &err));
    fm_text_format(&detach, "ALTER TABLE job DETACH PARTITION %s CONCURRENTLY",
                   fm_db_text(rows, 0, 0));
    fm_db_rows_destroy(&rows);
    fm_db_send_text(other, fm_text_get(&detach));
    wait_until(pending, 1);
    wait_until("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE "
               "'ALTER TABLE job DETACH%'",
               1);
    wait_until("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'ALTER TABLE job DETACH%'",
               0);
    fm_db_close(&other);
    fm_db_close(&reader);
    assert_int_equal(postgres_ask(&world_postgres, "%s", pending), 1);
    drop();
    assert_int_equal(count_old(), 0);
    assert_int_equal(postgres_ask(&world_postgres, "%s", pending), 0);
}

static void what_was_detached_and_not_dropped_is_dropped(void **state)
{
    (void)state;
    postgres_run(&world_postgres,
                 "DO $$ BEGIN EXECUTE format('ALTER TABLE done DETACH PARTITION %I', 'done_' || "
                 "to_char(current_date - 39, 'YYYYMMDD')); END $$");
    drop();
    assert_int_equal(count_old(), 0);
}

static void one_broker_at_a_time_is_at_it(void **state)
{
    (void)state;
    struct fm_db *other = NULL;
    struct fm_error err = {0};
    assert_true(fm_db_open(world_postgres.url, FM_DB_ADMIN, fm_clock_ms() + ASK_MS, &other, &err));
    assert_true(fm_partition_drop(other, 3650, &err)); /* `other` holds the lock from here on */
    drop();
    assert_int_equal(count_old(), 6);
    fm_db_close(&other);
    wait_until("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", 0);
    drop();
    assert_int_equal(count_old(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_old_and_over_goes_with_its_batches),
        TEST(what_lives_keeps_its_day_and_all_after_it),
        TEST(a_file_that_is_kept_keeps_its_day),
        TEST(what_is_younger_stays),
        TEST(what_was_left_half_done_is_finished),
        TEST(what_was_detached_and_not_dropped_is_dropped),
        TEST(one_broker_at_a_time_is_at_it),
    };
    return cmocka_run_group_tests_name("partition", tests, world_open, world_close);
}
