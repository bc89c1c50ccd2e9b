/*
 * The only door to libpq: a non-blocking connection on which prepared statements run one behind the
 * other in a pipeline, parameters and results in binary or text. Every wait has a deadline,
 * connecting too; a write is never cancelled; a WARNING on COMMIT or a connection lost after it was
 * sent is DATABASE_UNCERTAIN. Threads: one connection belongs to one thread.
 */
#ifndef FM_BROKER_DB_DB_H
#define FM_BROKER_DB_DB_H

#include "common/error.h"
#include "common/id.h"
#include "common/text.h"

struct fm_db;

enum fm_db_use {
    FM_DB_QUEUE, /* planner settings for the flush (law 3): jit, seqscan, bitmapscan … off, generic
                    plans */
    FM_DB_READ,  /* read-only */
    FM_DB_ADMIN, /* migrate and operator commands */
    FM_DB_COPY,  /* transactions of several calls, the COPYs of copy.h between them: a failure
                    leaves the transaction open, and its owner drops the connection */
};

/*
 * Without blocking. It connects in the background (again 100 ms to 2 s after a failure) and runs
 * one pipeline at a time; its owner polls the descriptor and pumps.
 */
enum fm_db_state {
    FM_DB_AWAY,     /* no connection yet or any more: a pipeline that was under way is lost */
    FM_DB_IDLE,     /* fm_db_send may be called */
    FM_DB_BUSY,     /* a pipeline is under way */
    FM_DB_ANSWERED, /* every call is answered: fm_db_verdict, fm_db_take; the next send forgets it
                     */
};

/* One statement of a pipeline; static text, prepared once a connection where it has parameters. */
struct fm_db_call {
    const char *sql;
    const char *const *parameters; /* borrowed for fm_db_send alone; NULL is SQL null */
    const int *lengths;            /* of arrays; 0, or no lengths: a text */
    size_t count;
};

/* What became of a pipeline as a whole. */
enum fm_db_verdict {
    FM_DB_DONE,
    FM_DB_AGAIN,     /* rolled back: deadlock or serialization; the same again will do */
    FM_DB_LATER,     /* rolled back: the server cannot now (disk full, read-only, shutting down) */
    FM_DB_REFUSED,   /* rolled back: what was sent is at fault */
    FM_DB_UNCERTAIN, /* its commit came with a warning: nobody knows */
};

#define FM_DB_CALLS_MAX 24

struct fm_db *fm_db_new(const char *url, enum fm_db_use use);
enum fm_db_state fm_db_pump(struct fm_db *db);
/* -1 while there is none. */
int fm_db_fd(const struct fm_db *db);
short fm_db_poll_events(const struct fm_db *db);
/* Milliseconds until it wants a pump whatever its descriptor says; -1: none. */
int fm_db_wait_ms(const struct fm_db *db);
/* Gives the connection up; a pipeline under way is lost, its fate unknown. It connects again. */
void fm_db_drop(struct fm_db *db);
/* Several calls, at most FM_DB_CALLS_MAX, as one pipeline: IDLE or ANSWERED becomes BUSY. */
void fm_db_send(struct fm_db *db, const struct fm_db_call *calls, size_t count);
/* Several statements in one text without parameters, in one transaction unless they say else. */
void fm_db_send_text(struct fm_db *db, const char *sql);
/* ANSWERED: the verdict, and the first failed call's reason. */
enum fm_db_verdict fm_db_verdict(const struct fm_db *db, struct fm_error *err);
/* ANSWERED and DONE: the rows of a call; the caller's. */
struct fm_db_rows *fm_db_take(struct fm_db *db, size_t call);
/* Why there is no connection: the last failure's text. */
const char *fm_db_trouble(const struct fm_db *db);

/* Blocking convenience for start-up, commands, readers; all waits end by `deadline_ms`
 * (fm_clock_ms). */
bool fm_db_open(const char *url, enum fm_db_use use, int64_t deadline_ms, struct fm_db **db,
                struct fm_error *err) FM_MUST_CHECK;
void fm_db_close(struct fm_db **db);

struct fm_db_rows;
/* One statement (its text from sql/, embedded) in its own transaction, its parameters text; without
 * any also several in one text (the last one's rows). `rows` may be NULL. DATABASE: refused,
 * nothing happened; UNAVAILABLE: no connection; DATABASE_UNCERTAIN: lost or unanswered by the
 * deadline. */
bool fm_db_run(struct fm_db *db, const char *sql, const char *const *parameters, size_t count,
               int64_t deadline_ms, struct fm_db_rows **rows, struct fm_error *err) FM_MUST_CHECK;
/* The same where a parameter is an array. */
bool fm_db_run_call(struct fm_db *db, const struct fm_db_call *call, int64_t deadline_ms,
                    struct fm_db_rows **rows, struct fm_error *err) FM_MUST_CHECK;
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

/* An array parameter, in binary: its elements are of the type the statement declares. */
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
                        int64_t value); /* what the type has no room for is cut off */
void fm_db_array_id(struct fm_text *array, const struct fm_id *id); /* zero id: NULL */
void fm_db_array_text(struct fm_text *array, const char *value);    /* NULL: NULL */
void fm_db_array_bytes(struct fm_text *array, struct fm_slice bytes);
void fm_db_array_time(struct fm_text *array, int64_t wall_us); /* 0: NULL */
/* A call's parameters and their lengths, of arrays and of texts. */
void fm_db_parameters(const struct fm_text *texts, size_t count, const char **parameters,
                      int *lengths);

#endif
