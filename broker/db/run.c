/*
 * The blocking calls of db.h: connects or runs one statement, and sleeps in poll() until it is done
 * or the caller's deadline has passed. Built on the non-blocking calls alone (db.c).
 * Before: migrations at start-up, operator commands, and the threads of reader, batch_writer and
 * retention. The queue's thread never calls these. Threads: the one that owns the connection.
 */
#include <poll.h>

#include "broker/db/db.h"
#include "common/clock.h"
#include "common/memory.h"

/* Sleeps until the connection must be pumped; false once the deadline has passed. */
static bool wait_for(struct fm_db *db, int64_t deadline_ms)
{
    int left = fm_clock_left(deadline_ms);
    if (left == 0) {
        return false;
    }
    int own = fm_db_wait_ms(db);
    struct pollfd p = {.fd = fm_db_fd(db), .events = fm_db_poll_events(db)};
    poll(&p, 1, own >= 0 && (left < 0 || own < left) ? own : left);
    return true;
}

bool fm_db_open(const char *url, enum fm_db_use use, int64_t deadline_ms, struct fm_db **db,
                struct fm_error *err)
{
    *db = fm_db_new(url, use);
    while (fm_db_pump(*db) != FM_DB_IDLE) {
        if (!wait_for(*db, deadline_ms)) {
            fm_fail(err, FM_UNAVAILABLE, "connect: %s", fm_db_trouble(*db));
            fm_db_close(db);
            return false;
        }
    }
    return true;
}

static bool wait_until_idle(struct fm_db *db, int64_t deadline_ms, struct fm_error *err)
{
    enum fm_db_state state = fm_db_pump(db);
    while (state != FM_DB_IDLE && state != FM_DB_ANSWERED) {
        if (!wait_for(db, deadline_ms)) {
            return fm_fail(err, FM_UNAVAILABLE, "connect: %s", fm_db_trouble(db));
        }
        state = fm_db_pump(db);
    }
    return true;
}

/* A write is never canceled; if its answer does not come in time, the connection is dropped. */
static bool wait_for_answer(struct fm_db *db, int64_t deadline_ms, struct fm_error *err)
{
    enum fm_db_state state = fm_db_pump(db);
    while (state == FM_DB_BUSY) {
        if (!wait_for(db, deadline_ms)) {
            fm_db_drop(db);
            return fm_fail(err, FM_DATABASE_UNCERTAIN, "no answer in time");
        }
        state = fm_db_pump(db);
    }
    if (state != FM_DB_ANSWERED) {
        return fm_fail(err, FM_DATABASE_UNCERTAIN, "connection lost: %s", fm_db_trouble(db));
    }
    return true;
}

bool fm_db_run_call(struct fm_db *db, const struct fm_db_call *call, int64_t deadline_ms,
                    struct fm_db_rows **rows, struct fm_error *err)
{
    if (!wait_until_idle(db, deadline_ms, err)) {
        return false;
    }
    if (call->count == 0) {
        fm_db_send_text(db, call->sql);
    } else {
        fm_db_send(db, call, 1);
    }
    if (!wait_for_answer(db, deadline_ms, err) || fm_db_verdict(db, err) != FM_DB_DONE) {
        return false;
    }
    if (rows != NULL) {
        *rows = fm_db_take(db, 0);
    }
    return true;
}

bool fm_db_run(struct fm_db *db, const char *sql, const char *const *parameters, size_t count,
               int64_t deadline_ms, struct fm_db_rows **rows, struct fm_error *err)
{
    struct fm_db_call call = {.sql = sql, .parameters = parameters, .count = count};
    return fm_db_run_call(db, &call, deadline_ms, rows, err);
}
