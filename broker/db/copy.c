/* PostgreSQL manual, COPY, "Binary Format": a header, rows of lengths and values in network order,
 * a trailer. */
#include "broker/db/copy.h"

#include <libpq-fe.h>
#include <poll.h>
#include <string.h>

#include "broker/db/rows.h"
#include "broker/db/value.h"
#include "common/clock.h"
#include "common/memory.h"

#define SILENCE_MS 30000               /* for each send and each result */
#define SEND_BYTES ((size_t)32 * 1024) /* a buffer of at least this size is sent */

/* ---- values ---- */

void fm_db_copy_small(struct fm_db_copy *copy, int value)
{
    fm_db_value_number(&copy->held, value, 2);
}

void fm_db_copy_integer(struct fm_db_copy *copy, int32_t value)
{
    fm_db_value_number(&copy->held, value, 4);
}

void fm_db_copy_time(struct fm_db_copy *copy, int64_t wall_us)
{
    fm_db_value_time(&copy->held, wall_us);
}

void fm_db_copy_bytes(struct fm_db_copy *copy, struct fm_slice bytes)
{
    fm_db_value_bytes(&copy->held, bytes.data, bytes.length);
}

void fm_db_copy_id(struct fm_db_copy *copy, const struct fm_id *id)
{
    fm_db_value_bytes(&copy->held, id->bytes, sizeof(id->bytes));
}

/* ---- the connection ---- */

static bool lose_connection(struct fm_db *db, struct fm_error *err, const char *what)
{
    struct pg_conn *conn = fm_db_connection(db);
    const char *why = conn != NULL ? PQerrorMessage(conn) : "";
    fm_fail(err, FM_UNAVAILABLE, "copy: %s: %.*s", what, (int)strcspn(why, "\n"), why);
    fm_db_drop(db);
    return false;
}

/* Waits until the server has sent bytes, or can accept more. */
static bool wait_for(struct fm_db *db, short events, int64_t until_ms, struct fm_error *err)
{
    struct pollfd p = {.fd = PQsocket(fm_db_connection(db)), .events = events};
    if (fm_clock_left(until_ms) == 0 || poll(&p, 1, fm_clock_left(until_ms)) == 0) {
        return lose_connection(db, err, "silence");
    }
    return PQconsumeInput(fm_db_connection(db)) == 1 || lose_connection(db, err, "lost");
}

static bool flush_output(struct fm_db *db, struct fm_error *err)
{
    int64_t until_ms = fm_clock_ms() + SILENCE_MS;
    int left = PQflush(fm_db_connection(db));
    while (left == 1) {
        if (!wait_for(db, POLLIN | POLLOUT, until_ms, err)) {
            return false;
        }
        left = PQflush(fm_db_connection(db));
    }
    return left == 0 || lose_connection(db, err, "lost");
}

/* The next result, NULL at the end of the statement's. */
static bool next_result(struct fm_db *db, PGresult **result, struct fm_error *err)
{
    int64_t until_ms = fm_clock_ms() + SILENCE_MS;
    while (PQisBusy(fm_db_connection(db)) == 1) {
        if (!wait_for(db, POLLIN, until_ms, err)) {
            return false;
        }
    }
    *result = PQgetResult(fm_db_connection(db));
    return true;
}

/* DATABASE if the server refused the rows; any other failure is UNAVAILABLE, to be tried again. */
static bool refuse_rows(struct fm_db *db, PGresult *result, struct fm_error *err)
{
    struct fm_error why = {0};
    bool is_ours = result != NULL && fm_db_judge(result, &why) == FM_DB_REFUSED;
    fm_fail(err, is_ours ? FM_DATABASE : FM_UNAVAILABLE, "copy: %s", why.detail);
    PQclear(result);
    fm_db_drop(db);
    return false;
}

static bool expect_result(struct fm_db *db, ExecStatusType wanted, struct fm_error *err)
{
    PGresult *result = NULL;
    if (!next_result(db, &result, err)) {
        return false;
    }
    if (result == NULL || PQresultStatus(result) != wanted) {
        return refuse_rows(db, result, err);
    }
    PQclear(result);
    return true;
}

static bool send_held(struct fm_db_copy *copy, struct fm_error *err)
{
    struct pg_conn *conn = fm_db_connection(copy->db);
    if (PQputCopyData(conn, copy->held.data, (int)copy->held.length) != 1) {
        return lose_connection(copy->db, err, "put");
    }
    fm_text_clear(&copy->held);
    return flush_output(copy->db, err);
}

bool fm_db_copy_begin(struct fm_db_copy *copy, struct fm_db *db, const char *sql,
                      struct fm_error *err)
{
    static const char signature[] = "PGCOPY\n\377\r\n"; /* and its NUL */
    *copy = (struct fm_db_copy){.db = db};
    fm_text_append_bytes(&copy->held, signature, sizeof(signature));
    fm_db_value_raw(&copy->held, 0, 4); /* flags */
    fm_db_value_raw(&copy->held, 0, 4); /* length of what extends the header */
    if (PQsendQuery(fm_db_connection(db), sql) != 1) {
        return lose_connection(db, err, "begin");
    }
    return flush_output(db, err) && expect_result(db, PGRES_COPY_IN, err);
}

bool fm_db_copy_row(struct fm_db_copy *copy, unsigned columns, struct fm_error *err)
{
    if (copy->held.length >= SEND_BYTES && !send_held(copy, err)) {
        return false;
    }
    fm_db_value_raw(&copy->held, columns, 2);
    return true;
}

bool fm_db_copy_end(struct fm_db_copy *copy, struct fm_error *err)
{
    PGresult *rest = NULL;
    fm_db_value_raw(&copy->held, UINT16_MAX, 2);
    if (!send_held(copy, err)) {
        return false;
    }
    if (PQputCopyEnd(fm_db_connection(copy->db), NULL) != 1) {
        return lose_connection(copy->db, err, "end");
    }
    return flush_output(copy->db, err) && expect_result(copy->db, PGRES_COMMAND_OK, err) &&
           next_result(copy->db, &rest, err) && (rest == NULL || refuse_rows(copy->db, rest, err));
}

void fm_db_copy_done(struct fm_db_copy *copy)
{
    fm_text_done(&copy->held);
}
