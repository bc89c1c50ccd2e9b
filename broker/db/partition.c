/*
 * Runs partition_*.sql and batch_forget.sql in order: see partition.h. Each statement commits by
 * itself, since DETACH CONCURRENTLY cannot run in a transaction; if a drop stops half-way, the next
 * call finishes it.
 */
#include "broker/db/partition.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"
#include "sql/sql.h"

/* A detach waits for every transaction that may still read the partition. */
#define PATIENCE_MS 30000

static bool run_query(struct fm_db *db, const char *sql, const char *parameter,
                      struct fm_db_rows **rows, struct fm_error *err)
{
    return fm_db_run(db, sql, &parameter, parameter ? 1 : 0, fm_clock_ms() + PATIENCE_MS, rows,
                     err);
}

static bool run_statement(struct fm_db *db, const char *sql, const char *parameter,
                          struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    return run_query(db, sql, parameter, &rows, err);
}

static bool ask(struct fm_db *db, const char *sql, const char *parameter, bool *answer,
                struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    if (!run_query(db, sql, parameter, &rows, err)) {
        return false;
    }
    *answer = fm_db_bool(rows, 0, 0);
    return true;
}

bool fm_partition_make(struct fm_db *db, struct fm_error *err)
{
    return run_statement(db, fm_sql_partition_make, NULL, err);
}

/* Detaches the partition before dropping it: DROP alone would make every reader of the whole table
 * wait. */
static bool drop(struct fm_db *db, const struct fm_db_rows *rows, size_t row, struct fm_error *err)
{
    const char *bound = fm_db_text(rows, row, 1), *detach = fm_db_text(rows, row, 2);
    if (!run_statement(db, fm_sql_batch_forget, bound, err) ||
        (*detach && !run_statement(db, detach, NULL, err)) ||
        !run_statement(db, fm_db_text(rows, row, 3), NULL, err)) {
        return false;
    }
    fm_log(FM_LOG_INFO, "partition_dropped", "name=%s", fm_db_text(rows, row, 0));
    return true;
}

bool fm_partition_drop(struct fm_db *db, unsigned days, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    FM_AUTO(fm_text_done) struct fm_text limit = {0};
    bool is_ours = false, is_held = false;
    fm_text_format(&limit, "%u", days);
    if (!ask(db, fm_sql_partition_lock, NULL, &is_ours, err)) {
        return false;
    }
    if (!is_ours) {
        return true;
    }
    if (!run_query(db, fm_sql_partition_old, fm_text_get(&limit), &rows, err)) {
        return false;
    }
    for (size_t i = 0; i < fm_db_rows_count(rows); i++) {
        if (!ask(db, fm_sql_partition_held, fm_db_text(rows, i, 1), &is_held, err)) {
            return false;
        }
        if (is_held) {
            return true;
        }
        if (!drop(db, rows, i, err)) {
            return false;
        }
    }
    return true;
}
