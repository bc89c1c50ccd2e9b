/* Tests that no statement gets a bad plan as tables fill. Each is planned with empty tables and
 * again with many rows, and both times must find its rows in `live` by the index meant for it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/memory.h"
#include "sql/sql.h"
#include "tests/integration/world.h"

#define ASK_MS 10000

/* Each statement, and the indexes by which it may read `live`; NULL: it does not read it. */
static const struct {
    const char *sql, *index;
} statements[] = {
    {fm_sql_job_progress, "live_pkey"},
    {fm_sql_job_finish, "live_pkey"},
    {fm_sql_job_release, "live_pkey"},
    {fm_sql_job_cancel, "live_pkey"},
    {fm_sql_job_delete, "live_pkey"},
    {fm_sql_job_defer, "live_pkey"},
    {fm_sql_job_claim, "live_pkey"},
    {fm_sql_job_found, "live_pkey"},
    {fm_sql_job_enqueue, NULL},
    {fm_sql_session_hold, NULL},
    {fm_sql_session_beat, NULL},
    {fm_sql_session_attach, NULL},
    {fm_sql_session_settle, "live_session live_pkey"},
    {fm_sql_session_expire, "live_session live_pkey"},
    {fm_sql_tick_heads, "live_next"},
    {fm_sql_tick_running, "live_session"},
    {fm_sql_account_queued, "live_next"},
    {fm_sql_job_position, "live_next"},
    {fm_sql_tick_leases, "live_pkey"},
    {fm_sql_tick_watched, "live_pkey"},
    {fm_sql_tick_overdue, "live_session"},
    {fm_sql_reader_key, NULL},
    {fm_sql_reader_job, "live_pkey"},
    {fm_sql_reader_count, "live_next live_session"},
    {fm_sql_batch_count, "live_pkey"},
    {fm_sql_batch_live, "live_pkey"},
    {fm_sql_batch_types, NULL},
    {fm_sql_batch_mark, NULL},
};

static int count_parameters(const char *sql)
{
    int most = 0;
    for (const char *at = strchr(sql, '$'); at != NULL; at = strchr(at + 1, '$')) {
        most = atoi(at + 1) > most ? atoi(at + 1) : most;
    }
    return most;
}

static struct fm_db_rows *run(struct fm_db *db, const char *sql)
{
    struct fm_db_rows *rows = NULL;
    struct fm_error err = {0};
    if (!fm_db_run(db, sql, NULL, 0, fm_clock_ms() + ASK_MS, &rows, &err)) {
        fail_msg("%s: %s", sql, err.detail);
    }
    return rows;
}

static struct fm_db_rows *explain(struct fm_db *db, const char *sql)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_text_format(&text, "DEALLOCATE ALL; PREPARE statement AS %s", sql);
    struct fm_db_rows *rows = run(db, fm_text_get(&text));
    fm_db_rows_destroy(&rows);
    fm_text_clear(&text);
    fm_text_append(&text, "EXPLAIN EXECUTE statement");
    for (int i = 0; i < count_parameters(sql); i++) {
        fm_text_append(&text, i == 0 ? "(NULL" : ", NULL");
    }
    fm_text_append(&text, count_parameters(sql) > 0 ? ")" : "");
    return run(db, fm_text_get(&text));
}

/* True unless the plan's line reads `live` in a way that is not allowed: without an index, by
 * another index, or by the whole of one. */
static bool is_allowed(const char *line, const char *next, const char *indexes)
{
    char index[64] = "";
    const char *using = strstr(line, " using ");
    bool reads_live = strstr(line, " on live") != NULL && strstr(line, "Scan") != NULL;
    if (!reads_live) {
        return true;
    }
    bool is_known = using != NULL && sscanf(using, " using %63s", index) == 1 && indexes != NULL &&
                    strstr(indexes, index) != NULL;
    /* A loose scan of live_next starts at the first entry, so it needs no condition. */
    return is_known && (strstr(next, "Index Cond") != NULL || strcmp(index, "live_next") == 0);
}

static void check_plans(void)
{
    struct fm_db *db = NULL;
    struct fm_error err = {0};
    assert_true(fm_db_open(world_postgres.url, FM_DB_QUEUE, fm_clock_ms() + ASK_MS, &db, &err));
    for (size_t i = 0; i < FM_COUNT(statements); i++) {
        struct fm_db_rows *plan = explain(db, statements[i].sql);
        for (size_t row = 0; row < fm_db_rows_count(plan); row++) {
            const char *line = fm_db_text(plan, row, 0);
            bool is_last = row + 1 == fm_db_rows_count(plan);
            const char *next = is_last ? "" : fm_db_text(plan, row + 1, 0);
            bool reads_all = strstr(line, "Seq Scan on") != NULL && strstr(line, "session") == NULL;
            if (!is_allowed(line, next, statements[i].index) || reads_all) { /* of sessions: fine */
                fail_msg("%s\nof\n%s", line, statements[i].sql);
            }
        }
        fm_db_rows_destroy(&plan);
    }
    fm_db_close(&db);
}

static void plans_hold_whatever_the_tables_hold(void **state)
{
    (void)state;
    check_plans();
    world_session(1, "one");
    postgres_run(&world_postgres, "ANALYZE");
    check_plans();
    postgres_run(
        &world_postgres,
        "INSERT INTO live (id, account, pool, lane, site, max_tries, timeout_s, expires_s, "
        "run_at, lease_id, session) SELECT gen_random_uuid(), md5((i % 100)::text)::uuid, "
        "'any:net', i % 3, 0, 3, 10, 10, now(), CASE WHEN i % 50 = 0 THEN i END, CASE "
        "WHEN i % 50 = 0 THEN 1 END FROM generate_series(1, 30000) i");
    postgres_run(&world_postgres, "ANALYZE");
    check_plans();
    postgres_run(&world_postgres, "TRUNCATE live");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(plans_hold_whatever_the_tables_hold, world_begin,
                                        world_end),
    };
    return cmocka_run_group_tests_name("plan", tests, world_open, world_close);
}
