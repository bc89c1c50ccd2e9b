#include "broker/db/db.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "broker/db/hosts.h"
#include "broker/db/rows.h"
#include "common/clock.h"
#include "common/memory.h"

#define BACKOFF_FIRST_MS 100 /* pause before connecting again; doubles up to BACKOFF_LAST_MS */
#define BACKOFF_LAST_MS 2000
#define CONNECT_MS 5000   /* for connecting and for the session's settings together */
#define PREPARED_MAX 64   /* statements of one connection */
#define PARAMETERS_MAX 32 /* of one statement */
#define STEPS_MAX (2 * FM_DB_CALLS_MAX)
#define NOT_WARNED SIZE_MAX

/* The phases of a connection. Each has one function below that tries to move on to another. */
enum phase { AWAY, CONNECTING, SETTING, IDLE, BUSY, ROLLING, ANSWERED, PHASES };

/* A statement prepared on this connection; its index in the list is its name. */
struct prepared {
    const char *sql;
    bool is_ready;
};

/* One expected answer, to a preparation or to a call. */
struct step {
    size_t call;
    struct prepared *preparing; /* NULL: the call itself */
};

struct fm_db {
    char *url;
    struct fm_db_hosts hosts;
    enum fm_db_use use;
    PGconn *conn;
    enum phase phase;
    PostgresPollingStatusType polling;
    int64_t retry_at, connect_by;
    int backoff_ms;
    char trouble[256];

    struct prepared prepared[PREPARED_MAX];
    size_t prepared_count;

    struct step steps[STEPS_MAX];
    size_t step_count, step_at;
    size_t warned_at; /* the step whose answer came with a warning */
    bool is_text;     /* one simple query, not a pipeline */
    PGresult *answers[FM_DB_CALLS_MAX];
    size_t call_count;
};

/* A plan must not change with the statistics of a table that is empty at one minute and full at the
 * next (docs/architecture.md, law 3); each of these settings rules out a bad plan. */
#define STEADY_PLANS                                                                               \
    "SET jit = off; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; "          \
    "SET enable_bitmapscan = off; SET enable_mergejoin = off; SET enable_material = off; "         \
    "SET enable_memoize = off;"

/* For the queue's connections: joins a statement's parameter rows with the table's rows by hash. A
 * nested loop, which small estimates would choose, costs the square of a flush's size (62 us of
 * PostgreSQL's time for each job instead of 31). Single lookups still use one, since there is no
 * other plan. */
#define HASHED_JOINS "SET enable_nestloop = off; "

static const char *const settings_of[] = {
    [FM_DB_QUEUE] =
        STEADY_PLANS HASHED_JOINS "SET synchronous_commit = on;"
                                  "SET default_transaction_isolation = 'read committed';",
    [FM_DB_READ] = STEADY_PLANS "SET default_transaction_read_only = on; "
                                "SET statement_timeout = '10s';",
    [FM_DB_ADMIN] = "SET client_min_messages = warning;",
    [FM_DB_COPY] = "SET synchronous_commit = on;",
};

/* Keeps the first line of libpq's message, for fm_db_trouble. */
static void copy_trouble(struct fm_db *db)
{
    const char *message = PQerrorMessage(db->conn);
    size_t length = strcspn(message, "\n");
    size_t room = sizeof(db->trouble) - 1;
    length = length < room ? length : room;
    memcpy(db->trouble, message, length);
    db->trouble[length] = '\0';
}

static void forget_answers(struct fm_db *db)
{
    for (size_t i = 0; i < db->call_count; i++) {
        PQclear(db->answers[i]);
        db->answers[i] = NULL;
    }
    db->call_count = db->step_count = db->step_at = 0;
    db->warned_at = NOT_WARNED;
    db->is_text = false;
}

static void forget_prepared(struct fm_db *db)
{
    memset(db->prepared, 0, sizeof(db->prepared));
    db->prepared_count = 0;
}

/* Each time, the next attempt comes a little later. */
void fm_db_drop(struct fm_db *db)
{
    if (db->conn != NULL) {
        PQfinish(db->conn);
        db->conn = NULL;
    }
    forget_answers(db);
    forget_prepared(db);
    db->phase = AWAY;
    db->retry_at = fm_clock_ms() + db->backoff_ms;
    db->backoff_ms = db->backoff_ms < BACKOFF_LAST_MS / 2 ? db->backoff_ms * 2 : BACKOFF_LAST_MS;
}

static bool lose_connection(struct fm_db *db)
{
    copy_trouble(db);
    fm_db_drop(db);
    return false;
}

/* This host may stay silent, so the next attempt begins with the next host. */
static bool give_up(struct fm_db *db)
{
    fm_db_hosts_turn(&db->hosts, db->conn);
    fm_db_drop(db);
    snprintf(db->trouble, sizeof(db->trouble), "no answer within %d s", CONNECT_MS / 1000);
    return false;
}

static void hear_notice(void *context, const PGresult *notice)
{
    struct fm_db *db = context;
    const char *severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity != NULL && strcmp(severity, "WARNING") == 0) {
        db->warned_at = db->step_at;
    }
}

/* Each phase's function returns true when it moved to another phase, whose function may then go on.
 */
static bool start_connecting(struct fm_db *db)
{
    if (fm_clock_ms() < db->retry_at) {
        return false;
    }
    db->conn = fm_db_hosts_connect(&db->hosts, db->url);
    if (PQstatus(db->conn) == CONNECTION_BAD) {
        return lose_connection(db);
    }
    PQsetNoticeReceiver(db->conn, hear_notice, db);
    db->connect_by = fm_clock_ms() + CONNECT_MS;
    db->polling = PGRES_POLLING_WRITING;
    db->phase = CONNECTING;
    return true;
}

static bool is_descriptor_ready(const struct fm_db *db, short events)
{
    struct pollfd p = {.fd = PQsocket(db->conn), .events = events};
    return poll(&p, 1, 0) > 0;
}

static bool start_setting(struct fm_db *db)
{
    bool is_sent =
        PQsetnonblocking(db->conn, 1) == 0 && PQsendQuery(db->conn, settings_of[db->use]) == 1;
    if (!is_sent) {
        return lose_connection(db);
    }
    db->phase = SETTING;
    return true;
}

static bool go_on_connecting(struct fm_db *db)
{
    if (fm_clock_ms() >= db->connect_by) {
        return give_up(db);
    }
    if (!is_descriptor_ready(db, fm_db_poll_events(db))) {
        return false;
    }
    db->polling = PQconnectPoll(db->conn);
    if (db->polling == PGRES_POLLING_FAILED) {
        return lose_connection(db);
    }
    return db->polling == PGRES_POLLING_OK ? start_setting(db) : true;
}

/* Sends and receives without blocking; false when the connection is lost. */
static bool exchange(struct fm_db *db)
{
    return PQconsumeInput(db->conn) == 1 && PQflush(db->conn) >= 0 &&
           PQstatus(db->conn) == CONNECTION_OK;
}

/* Reads the results of an internal query (the settings or a ROLLBACK); true while all succeeded. */
static bool read_own(struct fm_db *db, bool *is_over)
{
    bool is_good = true;
    *is_over = false;
    while (is_good && !*is_over && PQisBusy(db->conn) == 0) {
        PGresult *result = PQgetResult(db->conn);
        *is_over = result == NULL;
        is_good = result == NULL || PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
    }
    return is_good;
}

static bool go_on_own(struct fm_db *db, enum phase after)
{
    bool is_over = false;
    if (!exchange(db) || !read_own(db, &is_over)) {
        return lose_connection(db);
    }
    if (is_over) {
        db->phase = after;
    }
    return is_over;
}

static bool go_on_setting(struct fm_db *db)
{
    return fm_clock_ms() >= db->connect_by ? give_up(db) : go_on_own(db, IDLE);
}

static bool go_on_rolling(struct fm_db *db)
{
    return go_on_own(db, ANSWERED);
}

static bool watch_idle(struct fm_db *db)
{
    return exchange(db) ? false : lose_connection(db);
}

static bool is_failure(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK;
}

/* Keeps one answer for each call: its first failure, which may be its preparation's, or else its
 * last result. */
static void keep_answer(struct fm_db *db, PGresult *result)
{
    const struct step *step = &db->steps[db->step_at];
    PGresult **answer = &db->answers[step->call];
    if (step->preparing != NULL && !is_failure(result)) {
        step->preparing->is_ready = true;
        PQclear(result);
    } else if (*answer != NULL && is_failure(*answer)) {
        PQclear(result);
    } else {
        PQclear(*answer);
        *answer = result;
    }
}

/* All answers are in. A transaction that a failure left open is rolled back first. The backoff
 * starts anew only after a good answer: a server may accept connections and then serve none. */
static bool close_pipeline(struct fm_db *db)
{
    if (!db->is_text && PQexitPipelineMode(db->conn) != 1) {
        return lose_connection(db);
    }
    db->phase = ANSWERED;
    if (fm_db_verdict(db, NULL) == FM_DB_DONE) {
        db->backoff_ms = BACKOFF_FIRST_MS;
        db->trouble[0] = '\0';
    }
    if (db->use == FM_DB_QUEUE && PQtransactionStatus(db->conn) != PQTRANS_IDLE) {
        if (PQsendQuery(db->conn, "ROLLBACK") != 1) {
            return lose_connection(db);
        }
        db->phase = ROLLING;
    }
    return true;
}

/* Takes one result; true at the end of the pipeline. A NULL ends the results of one statement. */
static bool handle_result(struct fm_db *db, PGresult *result)
{
    if (result == NULL) {
        db->step_at++;
        return db->is_text;
    }
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        return true;
    }
    if (db->step_at >= db->step_count) {
        PQclear(result);
        return false;
    }
    keep_answer(db, result);
    return false;
}

static bool go_on_busy(struct fm_db *db)
{
    if (!exchange(db)) {
        return lose_connection(db);
    }
    while (PQisBusy(db->conn) == 0) {
        if (PQstatus(db->conn) != CONNECTION_OK) {
            return lose_connection(db);
        }
        if (handle_result(db, PQgetResult(db->conn))) {
            return close_pipeline(db);
        }
    }
    return false;
}

static bool (*const go_on[PHASES])(struct fm_db *) = {
    [AWAY] = start_connecting, [CONNECTING] = go_on_connecting,
    [SETTING] = go_on_setting, [IDLE] = watch_idle,
    [BUSY] = go_on_busy,       [ROLLING] = go_on_rolling,
    [ANSWERED] = watch_idle,
};

static const enum fm_db_state state_of[PHASES] = {
    [AWAY] = FM_DB_AWAY,         [CONNECTING] = FM_DB_AWAY, [SETTING] = FM_DB_AWAY,
    [IDLE] = FM_DB_IDLE,         [BUSY] = FM_DB_BUSY,       [ROLLING] = FM_DB_BUSY,
    [ANSWERED] = FM_DB_ANSWERED,
};

enum fm_db_state fm_db_pump(struct fm_db *db)
{
    while (go_on[db->phase](db) && db->phase != ANSWERED) {
    }
    return state_of[db->phase];
}

struct fm_db *fm_db_new(const char *url, enum fm_db_use use)
{
    struct fm_db *db = fm_alloc(sizeof(*db));
    db->url = fm_strdup(url);
    db->use = use;
    db->backoff_ms = BACKOFF_FIRST_MS;
    db->warned_at = NOT_WARNED;
    return db;
}

void fm_db_close(struct fm_db **db)
{
    if (*db == NULL) {
        return;
    }
    fm_db_drop(*db);
    fm_db_hosts_done(&(*db)->hosts);
    free((*db)->url);
    free(fm_steal(*db));
}

int fm_db_fd(const struct fm_db *db)
{
    return db->conn == NULL ? -1 : PQsocket(db->conn);
}

short fm_db_poll_events(const struct fm_db *db)
{
    if (db->phase == CONNECTING) {
        return db->polling == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;
    }
    /* Bytes that PQflush could not send need POLLOUT. */
    bool has_more = db->conn != NULL && PQflush(db->conn) == 1;
    return (short)(has_more ? POLLIN | POLLOUT : POLLIN);
}

int fm_db_wait_ms(const struct fm_db *db)
{
    if (db->phase == AWAY) {
        return fm_clock_left(db->retry_at);
    }
    return db->phase == CONNECTING || db->phase == SETTING ? fm_clock_left(db->connect_by) : -1;
}

struct pg_conn *fm_db_connection(struct fm_db *db)
{
    return db->conn;
}

const char *fm_db_trouble(const struct fm_db *db)
{
    return db->trouble;
}

static struct prepared *find_prepared(struct fm_db *db, const char *sql)
{
    for (size_t i = 0; i < db->prepared_count; i++) {
        if (db->prepared[i].sql == sql) {
            return &db->prepared[i];
        }
    }
    if (db->prepared_count == PREPARED_MAX) {
        return NULL;
    }
    struct prepared *fresh = &db->prepared[db->prepared_count++];
    fresh->sql = sql;
    return fresh;
}

static void add_step(struct fm_db *db, size_t call, struct prepared *preparing)
{
    db->steps[db->step_count++] = (struct step){.call = call, .preparing = preparing};
}

static bool send_plain(struct fm_db *db, const struct fm_db_call *call, const int *formats)
{
    return PQsendQueryParams(db->conn, call->sql, (int)call->count, NULL, call->parameters,
                             call->lengths, formats, 0) == 1;
}

static bool send_prepared(struct fm_db *db, size_t index, const struct fm_db_call *call,
                          const int *formats)
{
    struct prepared *prepared = find_prepared(db, call->sql);
    if (prepared == NULL) {
        return send_plain(db, call, formats);
    }
    char name[16];
    snprintf(name, sizeof(name), "s%u", (unsigned)(prepared - db->prepared));
    if (!prepared->is_ready) {
        add_step(db, index, prepared);
        if (PQsendPrepare(db->conn, name, call->sql, 0, NULL) != 1) {
            return false;
        }
    }
    return PQsendQueryPrepared(db->conn, name, (int)call->count, call->parameters, call->lengths,
                               formats, 1) == 1;
}

/* The operator's commands may send texts that do not last; since a prepared statement is found by
 * its text's address, they are not prepared. */
static bool send_call(struct fm_db *db, size_t index, const struct fm_db_call *call)
{
    bool is_prepared = call->count > 0 && db->use != FM_DB_ADMIN;
    bool is_sent = call->count <= PARAMETERS_MAX;
    int formats[PARAMETERS_MAX];
    for (size_t i = 0; is_sent && i < call->count; i++) {
        formats[i] = call->lengths != NULL && call->lengths[i] > 0; /* binary */
    }
    is_sent = is_sent && (is_prepared ? send_prepared(db, index, call, formats)
                                      : send_plain(db, call, formats));
    add_step(db, index, NULL);
    return is_sent;
}

void fm_db_send(struct fm_db *db, const struct fm_db_call *calls, size_t count)
{
    forget_answers(db);
    db->call_count = count;
    bool is_sent = count <= FM_DB_CALLS_MAX && PQenterPipelineMode(db->conn) == 1;
    for (size_t i = 0; is_sent && i < count; i++) {
        is_sent = send_call(db, i, &calls[i]);
    }
    db->phase = BUSY;
    if (!is_sent || PQpipelineSync(db->conn) != 1) {
        lose_connection(db);
    }
}

void fm_db_send_text(struct fm_db *db, const char *sql)
{
    forget_answers(db);
    db->call_count = 1;
    db->is_text = true;
    add_step(db, 0, NULL);
    db->phase = BUSY;
    if (PQsendQuery(db->conn, sql) != 1) {
        lose_connection(db);
    }
}

enum fm_db_verdict fm_db_verdict(const struct fm_db *db, struct fm_error *err)
{
    for (size_t i = 0; i < db->call_count; i++) {
        if (db->answers[i] != NULL && is_failure(db->answers[i])) {
            return fm_db_judge(db->answers[i], err);
        }
    }
    bool may_commit = db->step_count > 1 || db->use == FM_DB_COPY;
    if (db->warned_at != NOT_WARNED && db->warned_at + 1 >= db->step_count && may_commit) {
        fm_fail(err, FM_DATABASE_UNCERTAIN, "commit: answered with a warning");
        return FM_DB_UNCERTAIN;
    }
    return FM_DB_DONE;
}

struct fm_db_rows *fm_db_take(struct fm_db *db, size_t call)
{
    return fm_db_rows_of(fm_steal(db->answers[call]));
}
