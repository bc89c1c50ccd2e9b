/*
 * The only door to libpq: a non-blocking connection on which prepared statements run one behind the
 * other in a pipeline, parameters and results in binary or text. Every wait has a deadline,
 * connecting too; a write is never cancelled; a WARNING on COMMIT or a connection lost after it was
 * sent is DATABASE_UNCERTAIN. Threads: one connection belongs to one thread.
 */
#ifndef FM_BROKER_DB_H
#define FM_BROKER_DB_H

#include "common/error.h"
#include "common/id.h"
#include "common/text.h"

struct fm_db;

enum fm_db_use {
    FM_DB_QUEUE, /* planner settings of FACTS for the flush: jit, seqscan, bitmapscan … off, generic
                    plans */
    FM_DB_READ,  /* read-only */
    FM_DB_ADMIN, /* migrate and operator commands */
};

/* Blocking convenience for start-up, commands, readers; all waits end by `deadline_ms`
 * (fm_clock_ms). */
bool fm_db_open(const char *url, enum fm_db_use use, int64_t deadline_ms, struct fm_db **db,
                struct fm_error *err) FM_MUST_CHECK;
void fm_db_close(struct fm_db **db);

/* Parameters are text; NULL is SQL null. An array is built with fm_db_array_…. */
struct fm_db_rows;
/* One statement (its text from sql/, embedded), outside the pipeline, in its own transaction. */
bool fm_db_run(struct fm_db *db, const char *sql, const char *const *parameters, size_t count,
               int64_t deadline_ms, struct fm_db_rows **rows, struct fm_error *err) FM_MUST_CHECK;
size_t fm_db_rows_count(const struct fm_db_rows *rows);
bool fm_db_is_null(const struct fm_db_rows *rows, size_t row, int column);
/* Borrowed, "" for null. */
const char *fm_db_text(const struct fm_db_rows *rows, size_t row, int column);
int64_t fm_db_integer(const struct fm_db_rows *rows, size_t row, int column);
bool fm_db_bool(const struct fm_db_rows *rows, size_t row, int column);
struct fm_id fm_db_id(const struct fm_db_rows *rows, size_t row, int column);
/* bytea, decoded into memory that lives with the rows. */
struct fm_slice fm_db_bytes(struct fm_db_rows *rows, size_t row, int column);
void fm_db_rows_destroy(struct fm_db_rows **rows);

/* PostgreSQL array literals: `{…}`. */
void fm_db_array_open(struct fm_text *array);
void fm_db_array_integer(struct fm_text *array, int64_t value);
void fm_db_array_id(struct fm_text *array, const struct fm_id *id); /* zero id: NULL */
void fm_db_array_text(struct fm_text *array, const char *value);    /* NULL: NULL */
void fm_db_array_bytes(struct fm_text *array, struct fm_slice bytes);
void fm_db_array_time(struct fm_text *array, int64_t wall_us); /* 0: NULL */
void fm_db_array_close(struct fm_text *array);

#endif
