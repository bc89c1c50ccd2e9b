/*
 * The broker's connection to PostgreSQL; only broker/db/ may use libpq. A connection is
 * non-blocking and runs prepared statements one after the other in a pipeline, with parameters and
 * results in binary or text. Invariants: connecting has a deadline; a write is never canceled; a
 * WARNING on COMMIT, or a connection lost after a write was sent, is DATABASE_UNCERTAIN.
 * Before: queue and tick_db; through fm_db_run also reader, batch_writer, retention, migrations and
 * commands. After: libpq.
 * Threads: one connection belongs to one thread.
 */
#ifndef FM_BROKER_DB_DB_H
#define FM_BROKER_DB_DB_H

#include "common/error.h"
#include "common/id.h"
#include "common/text.h"

struct fm_db;

enum fm_db_use {
    FM_DB_QUEUE, /* flushes: planner settings that keep plans stable (docs/architecture.md, law 3)
                  */
    FM_DB_READ,  /* read-only */
    FM_DB_ADMIN, /* migrate and operator commands */
    FM_DB_COPY,  /* transactions of several fm_db_run, with COPYs (copy.h) between them: a failure
                    leaves the transaction open, and the owner must drop the connection */
};

/*
 * The non-blocking part. A connection is made in the background (tried again 100 ms to 2 s after a
 * failure) and runs one pipeline at a time; its owner polls the descriptor and calls fm_db_pump.
 */
enum fm_db_state {
    FM_DB_AWAY,     /* no connection: a pipeline that was under way is lost */
    FM_DB_IDLE,     /* fm_db_send may be called */
    FM_DB_BUSY,     /* a pipeline is under way */
    FM_DB_ANSWERED, /* every call has its answer, for fm_db_verdict and fm_db_take; the next
                       fm_db_send drops the answers */
};

/* One statement of a pipeline. A statement with parameters is prepared once per connection and
 * recognized by its address, so `sql` must be static text (except for FM_DB_ADMIN). */
struct fm_db_call {
    const char *sql;
    const char *const *parameters; /* borrowed for fm_db_send alone; NULL is SQL null */
    const int *lengths;            /* bytes of binary arrays; 0 for a text; NULL: all are texts */
    size_t count;
};

/* The outcome of a pipeline as a whole. */
enum fm_db_verdict {
    FM_DB_DONE,
    FM_DB_AGAIN,     /* rolled back: deadlock or serialization; send the same again */
    FM_DB_LATER,     /* rolled back: the server cannot now (disk full, read-only, shutting down) */
    FM_DB_REFUSED,   /* rolled back: a statement or its parameters are at fault */
    FM_DB_UNCERTAIN, /* the commit came with a warning: its outcome is unknown */
};

#define FM_DB_CALLS_MAX 24 /* calls of one pipeline: a flush has the most */

/* Starts AWAY; the first fm_db_pump begins to connect. Closed by fm_db_close. */
struct fm_db *fm_db_new(const char *url, enum fm_db_use use);
/* Does what can be done without blocking: connects, sends, receives. */
enum fm_db_state fm_db_pump(struct fm_db *db);
/* For poll(): -1 while there is no connection. */
int fm_db_fd(const struct fm_db *db);
short fm_db_poll_events(const struct fm_db *db);
/* Milliseconds until fm_db_pump must be called even if the descriptor is not ready; -1: no limit.
 */
int fm_db_wait_ms(const struct fm_db *db);
/* Closes the connection; a pipeline under way is lost, its outcome unknown. Connects again after a
 * pause. */
void fm_db_drop(struct fm_db *db);
/* Sends up to FM_DB_CALLS_MAX calls as one pipeline: IDLE or ANSWERED becomes BUSY. */
void fm_db_send(struct fm_db *db, const struct fm_db_call *calls, size_t count);
/* Sends a text of one or several statements without parameters. They run in one transaction unless
 * they contain transaction commands of their own. */
void fm_db_send_text(struct fm_db *db, const char *sql);
/* In ANSWERED only: the verdict, and in `err` (may be NULL) the first failed call's reason. */
enum fm_db_verdict fm_db_verdict(const struct fm_db *db, struct fm_error *err);
/* In ANSWERED with FM_DB_DONE only: the rows of a call, owned by the caller. */
struct fm_db_rows *fm_db_take(struct fm_db *db, size_t call);
/* Why there is no connection: the last failure's text. */
const char *fm_db_trouble(const struct fm_db *db);

/* The blocking part (run.c), for migrations, commands, and the threads of reader, batch_writer and
 * retention; every wait ends at the latest at `deadline_ms` (fm_clock_ms). */
bool fm_db_open(const char *url, enum fm_db_use use, int64_t deadline_ms, struct fm_db **db,
                struct fm_error *err) FM_MUST_CHECK;
/* Null-safe. */
void fm_db_close(struct fm_db **db);

struct fm_db_rows;
/* Runs one statement (a text of sql/) with text parameters. Without parameters, `sql` may hold
 * several statements; `rows` then gets those of the last. `rows` may be NULL. Errors: DATABASE
 * (refused, nothing happened), UNAVAILABLE (no connection), DATABASE_UNCERTAIN (the connection was
 * lost, or no answer came by the deadline). */
bool fm_db_run(struct fm_db *db, const char *sql, const char *const *parameters, size_t count,
               int64_t deadline_ms, struct fm_db_rows **rows, struct fm_error *err) FM_MUST_CHECK;
/* The same for a call whose parameters may be arrays. */
bool fm_db_run_call(struct fm_db *db, const struct fm_db_call *call, int64_t deadline_ms,
                    struct fm_db_rows **rows, struct fm_error *err) FM_MUST_CHECK;
size_t fm_db_rows_count(const struct fm_db_rows *rows);
bool fm_db_is_null(const struct fm_db_rows *rows, size_t row, int column);
/* Borrowed from the rows; "" for null. */
const char *fm_db_text(const struct fm_db_rows *rows, size_t row, int column);
int64_t fm_db_integer(const struct fm_db_rows *rows, size_t row, int column);
bool fm_db_bool(const struct fm_db_rows *rows, size_t row, int column);
struct fm_id fm_db_id(const struct fm_db_rows *rows, size_t row, int column);
/* A bytea. The bytes live as long as the rows. */
struct fm_slice fm_db_bytes(struct fm_db_rows *rows, size_t row, int column);
void fm_db_rows_destroy(struct fm_db_rows **rows);

/* The element type of an array parameter, which is sent in binary: the type that the statement
 * declares. */
enum fm_db_type {
    FM_DB_BOOLEAN,
    FM_DB_SMALLINT,
    FM_DB_INTEGER,
    FM_DB_BIGINT,
    FM_DB_TEXT,
    FM_DB_BYTEA,
    FM_DB_UUID,
    FM_DB_TIMESTAMPTZ,
};

void fm_db_array_open(struct fm_text *array, enum fm_db_type type);
void fm_db_array_number(struct fm_text *array,
                        int64_t value); /* cut to the low bytes if the type is smaller */
void fm_db_array_id(struct fm_text *array, const struct fm_id *id); /* zero id: NULL */
void fm_db_array_text(struct fm_text *array, const char *value);    /* NULL: NULL */
void fm_db_array_bytes(struct fm_text *array, struct fm_slice bytes);
void fm_db_array_time(struct fm_text *array, int64_t wall_us); /* 0: NULL */
/* Fills a call's parameters and lengths from texts, each an array or a plain text. Borrowed: the
 * texts must stay unchanged until the call was sent. */
void fm_db_parameters(const struct fm_text *texts, size_t count, const char **parameters,
                      int *lengths);

#endif
