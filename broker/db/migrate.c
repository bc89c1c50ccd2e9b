#include "broker/db/migrate.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"
#include "sql/sql.h"

#define PATIENCE_MS 60000

static bool run_statement(struct fm_db *db, const char *sql, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    return fm_db_run(db, sql, NULL, 0, fm_clock_ms() + PATIENCE_MS, &rows, err);
}

static bool newest(struct fm_db *db, int64_t *number, struct fm_error *err)
{
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    if (!fm_db_run(db, fm_sql_schema_read, NULL, 0, fm_clock_ms() + PATIENCE_MS, &rows, err)) {
        return false;
    }
    *number = fm_db_integer(rows, 0, 0);
    return true;
}

/* Several statements in one simple query are one transaction, so the migration and its row in
 * schema_version stand or fall together. */
static bool apply(struct fm_db *db, const struct fm_sql_migration *migration, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_text_append(&text, migration->text);
    fm_text_format(&text, "\nINSERT INTO schema_version (number, name) VALUES (%u, '%s');\n",
                   migration->number, migration->name);
    fm_log(FM_LOG_INFO, "migrate", "number=%u name=%s", migration->number, migration->name);
    return run_statement(db, fm_text_get(&text), err);
}

static bool apply_missing(struct fm_db *db, unsigned *applied, struct fm_error *err)
{
    int64_t at = 0;
    if (!newest(db, &at, err)) {
        return false;
    }
    int64_t ours = fm_sql_migrations[fm_sql_migration_count - 1].number;
    if (at > ours) {
        return fm_fail(
            err, FM_SETTING,
            "the database's schema is %lld, this program needs %lld: upgrade the program",
            (long long)at, (long long)ours);
    }
    for (size_t i = 0; i < fm_sql_migration_count; i++) {
        if (fm_sql_migrations[i].number <= at) {
            continue;
        }
        if (!apply(db, &fm_sql_migrations[i], err)) {
            return false;
        }
        (*applied)++;
    }
    return true;
}

bool fm_migrate_run(const char *database_url, unsigned *applied, struct fm_error *err)
{
    FM_AUTO(fm_db_close) struct fm_db *db = NULL;
    *applied = 0;
    return fm_db_open(database_url, FM_DB_ADMIN, fm_clock_ms() + PATIENCE_MS, &db, err) &&
           run_statement(db, fm_sql_schema_lock, err) &&
           run_statement(db, fm_sql_schema_make, err) && apply_missing(db, applied, err) &&
           run_statement(db, fm_sql_partition_make, err);
}

bool fm_migrate_check_secrets(const char *database_url, const uint8_t digest[FM_HASH_SIZE],
                              struct fm_error *err)
{
    FM_AUTO(fm_db_close) struct fm_db *db = NULL;
    FM_AUTO(fm_db_rows_destroy) struct fm_db_rows *rows = NULL;
    char hex[2 + FM_HASH_HEX_SIZE] = "\\x";
    fm_hash_to_hex(digest, FM_HASH_SIZE, hex + 2);
    const char *parameters[] = {hex};
    if (!fm_db_open(database_url, FM_DB_ADMIN, fm_clock_ms() + PATIENCE_MS, &db, err) ||
        !fm_db_run(db, fm_sql_secret_check, parameters, 1, fm_clock_ms() + PATIENCE_MS, &rows,
                   err)) {
        return false;
    }
    return fm_db_bool(rows, 0, 0) ||
           fm_fail(err, FM_SETTING,
                   "this database was made with other secrets: restore secrets_dir");
}
