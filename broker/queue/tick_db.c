/*
 * Sends a tick's reads as one pipeline, on a connection of its own so that they never wait behind a
 * flush: see tick_db.h. Each statement has its own snapshot. The epochs are read first, so the
 * later reads contain at least the changes that the epochs announce.
 */
#include "broker/queue/tick_db.h"

#include <stdlib.h>
#include <string.h>

#include "broker/config/account_plan.h"
#include "broker/db/db.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/site.h"
#include "sql/sql.h"

/* Reads that have no answer after this time fail, and the connection is dropped. */
#define ANSWER_MS 2000
#define PARAMETERS_MAX 4

/* An answer being built; `memory` holds its arrays and is freed after `done`. */
struct reading {
    struct fm_tick_db *tick;
    struct fm_tick_answer *answer;
    struct fm_arena memory;
};

typedef void read_rows(struct reading *reading, struct fm_db_rows *rows, size_t count);

struct fm_tick_db {
    struct fm_db *db;
    uint64_t broker;
    const struct fm_tick_query *query;
    void (*done)(void *context, const struct fm_tick_answer *answer);
    void *context;
    bool is_under_way;
    int64_t sent_at;
    struct fm_db_call calls[FM_DB_CALLS_MAX];
    read_rows *read[FM_DB_CALLS_MAX]; /* what reads the rows of a call */
    const char *parameters[FM_DB_CALLS_MAX][PARAMETERS_MAX];
    int lengths[FM_DB_CALLS_MAX][PARAMETERS_MAX];
    struct fm_text texts[FM_DB_CALLS_MAX][PARAMETERS_MAX];
    size_t call_count;
};

struct fm_tick_db *fm_tick_db_new(const char *database_url, uint64_t broker)
{
    struct fm_tick_db *tick = fm_alloc(sizeof(*tick));
    tick->db = fm_db_new(database_url, FM_DB_READ);
    tick->broker = broker;
    return tick;
}

void fm_tick_db_destroy(struct fm_tick_db **tick)
{
    if (*tick == NULL) {
        return;
    }
    for (size_t i = 0; i < FM_DB_CALLS_MAX; i++) {
        for (size_t k = 0; k < PARAMETERS_MAX; k++) {
            fm_text_done(&(*tick)->texts[i][k]);
        }
    }
    fm_db_close(&(*tick)->db);
    free(fm_steal(*tick));
}

/* The texts of the next call, for its parameters. */
static struct fm_text *next_texts(struct fm_tick_db *tick)
{
    return tick->texts[tick->call_count];
}

static void add_call(struct fm_tick_db *tick, const char *sql, size_t parameter_count,
                     read_rows *read)
{
    size_t call = tick->call_count++;
    fm_db_parameters(tick->texts[call], parameter_count, tick->parameters[call],
                     tick->lengths[call]);
    tick->read[call] = read;
    tick->calls[call] = (struct fm_db_call){.sql = sql,
                                            .parameters = tick->parameters[call],
                                            .lengths = tick->lengths[call],
                                            .count = parameter_count};
}

static void read_epochs(struct reading *reading, struct fm_db_rows *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = (uint64_t)fm_db_integer(rows, i, 1);
        if (strcmp(fm_db_text(rows, i, 0), "node") == 0) {
            reading->answer->node_epoch = value;
        } else if (strcmp(fm_db_text(rows, i, 0), "key") == 0) {
            reading->answer->key_epoch = value;
        } else if (strcmp(fm_db_text(rows, i, 0), "pause") == 0) {
            reading->answer->pause_epoch = value;
        }
    }
}

/* The running limit of the account's plan; 0: no limit, as for jobs without an account row. */
static uint64_t read_running_limit(struct fm_db_rows *rows, size_t row)
{
    bool is_known = !fm_db_is_null(rows, row, 8);
    return is_known ? fm_account_plan_running(fm_db_text(rows, row, 8), fm_db_bool(rows, row, 9))
                    : 0;
}

static void read_heads(struct reading *reading, struct fm_db_rows *rows, size_t count)
{
    struct fm_tick_answer *answer = reading->answer;
    answer->heads = fm_arena_alloc(&reading->memory, count * sizeof(answer->heads[0]));
    answer->head_pool = fm_arena_alloc(&reading->memory, count * sizeof(answer->head_pool[0]));
    answer->head_count = count;
    for (size_t i = 0; i < count; i++) {
        answer->head_pool[i] = (size_t)fm_db_integer(rows, i, 0) - 1;
        answer->heads[i] = (struct fm_tick_head){.account = fm_db_id(rows, i, 1),
                                                 .id = fm_db_id(rows, i, 2),
                                                 .run_at_us = fm_db_integer(rows, i, 3),
                                                 .avoid = fm_db_id(rows, i, 4),
                                                 .lane = (unsigned)fm_db_integer(rows, i, 5),
                                                 .most = (unsigned)fm_db_integer(rows, i, 6),
                                                 .site = (unsigned)fm_db_integer(rows, i, 7),
                                                 .running_limit = read_running_limit(rows, i)};
    }
}

static void read_running(struct reading *reading, struct fm_db_rows *rows, size_t count)
{
    struct fm_tick_answer *answer = reading->answer;
    answer->others = fm_arena_alloc(&reading->memory, count * sizeof(answer->others[0]));
    answer->others_count = count;
    for (size_t i = 0; i < count; i++) {
        answer->others[i] = (struct fm_tick_running){.account = fm_db_id(rows, i, 0),
                                                     .count = (uint64_t)fm_db_integer(rows, i, 1)};
    }
}

static void read_gone(struct reading *reading, struct fm_db_rows *rows, size_t count)
{
    struct fm_tick_answer *answer = reading->answer;
    answer->gone = fm_arena_alloc(&reading->memory, count * sizeof(answer->gone[0]));
    answer->gone_count = count;
    for (size_t i = 0; i < count; i++) {
        answer->gone[i] = reading->tick->query->leases[fm_db_integer(rows, i, 0) - 1];
    }
}

static void read_watched(struct reading *reading, struct fm_db_rows *rows, size_t count)
{
    struct fm_tick_answer *answer = reading->answer;
    answer->ended = fm_arena_alloc(&reading->memory, count * sizeof(answer->ended[0]));
    answer->running = fm_arena_alloc(&reading->memory, count * sizeof(answer->running[0]));
    for (size_t i = 0; i < count; i++) {
        struct fm_id id = reading->tick->query->watched[fm_db_integer(rows, i, 0) - 1];
        if (fm_db_bool(rows, i, 1)) {
            answer->running[answer->running_count++] = id;
        } else {
            answer->ended[answer->ended_count++] = id;
        }
    }
}

static void read_overdue(struct reading *reading, struct fm_db_rows *rows, size_t count)
{
    struct fm_tick_answer *answer = reading->answer;
    answer->overdue = fm_arena_alloc(&reading->memory, count * sizeof(answer->overdue[0]));
    answer->overdue_count = count;
    for (size_t i = 0; i < count; i++) {
        answer->overdue[i] = (struct fm_tick_lease){.account = fm_db_id(rows, i, 0),
                                                    .id = fm_db_id(rows, i, 1),
                                                    .lease = (uint64_t)fm_db_integer(rows, i, 2)};
    }
}

static void read_sessions(struct reading *reading, struct fm_db_rows *rows, size_t count)
{
    struct fm_tick_answer *answer = reading->answer;
    answer->sessions = fm_arena_alloc(&reading->memory, count * sizeof(answer->sessions[0]));
    answer->session_count = count;
    for (size_t i = 0; i < count; i++) {
        answer->sessions[i] =
            (struct fm_tick_session){.id = (uint64_t)fm_db_integer(rows, i, 0),
                                     .broker = (uint64_t)fm_db_integer(rows, i, 1),
                                     .beat = (uint64_t)fm_db_integer(rows, i, 2),
                                     .boot = (uint64_t)fm_db_integer(rows, i, 3),
                                     .node = fm_db_id(rows, i, 4)};
    }
}

static void copy_text(char *out, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);
    memcpy(out, text, length);
    out[length] = '\0';
}

static void read_nodes(struct reading *reading, struct fm_db_rows *rows, size_t count)
{
    struct fm_tick_answer *answer = reading->answer;
    answer->nodes = fm_arena_alloc(&reading->memory, count * sizeof(answer->nodes[0]));
    answer->node_count = count;
    for (size_t i = 0; i < count; i++) {
        struct fm_tick_node *node = &answer->nodes[i];
        node->id = fm_db_id(rows, i, 0);
        copy_text(node->name, sizeof(node->name), fm_db_text(rows, i, 1));
        copy_text(node->public_key, sizeof(node->public_key), fm_db_text(rows, i, 2));
        node->is_revoked = fm_db_bool(rows, i, 3);
    }
}

/* False if the pause names a site or an id that this broker does not know: it is ignored. */
static bool read_pause(const struct fm_db_rows *rows, size_t row, struct fm_reason_pause *pause)
{
    const char *kind = fm_db_text(rows, row, 0), *subject = fm_db_text(rows, row, 1);
    enum fm_site site = FM_SITE_URL;
    *pause = (struct fm_reason_pause){.kind = FM_REASON_POOL};
    if (strcmp(kind, "account") == 0) {
        pause->kind = FM_REASON_ACCOUNT;
        return fm_id_from_uuid(subject, &pause->account);
    }
    if (strcmp(kind, "site") == 0) {
        bool is_known = fm_site_by_name(subject, &site);
        pause->kind = FM_REASON_SITE;
        pause->site = (unsigned)site;
        return is_known;
    }
    copy_text(pause->pool, sizeof(pause->pool), subject);
    return strcmp(pause->pool, subject) == 0;
}

static void read_pauses(struct reading *reading, struct fm_db_rows *rows, size_t count)
{
    struct fm_tick_answer *answer = reading->answer;
    answer->pauses = fm_arena_alloc(&reading->memory, count * sizeof(answer->pauses[0]));
    for (size_t i = 0; i < count; i++) {
        answer->pause_count += read_pause(rows, i, &answer->pauses[answer->pause_count]);
    }
}

static void ask_heads(struct fm_tick_db *tick)
{
    struct fm_text *texts = next_texts(tick);
    if (tick->query->pool_count == 0) {
        return;
    }
    fm_db_array_open(&texts[0], FM_DB_TEXT);
    fm_db_array_open(&texts[1], FM_DB_INTEGER);
    for (size_t i = 0; i < tick->query->pool_count; i++) {
        fm_db_array_text(&texts[0], tick->query->pools[i]);
        fm_db_array_number(&texts[1], tick->query->windows[i]);
    }
    add_call(tick, fm_sql_tick_heads, 2, read_heads);
}

static void ask_leases(struct fm_tick_db *tick)
{
    struct fm_text *texts = next_texts(tick);
    if (tick->query->lease_count == 0) {
        return;
    }
    fm_db_array_open(&texts[0], FM_DB_UUID);
    fm_db_array_open(&texts[1], FM_DB_UUID);
    fm_db_array_open(&texts[2], FM_DB_BIGINT);
    for (size_t i = 0; i < tick->query->lease_count; i++) {
        fm_db_array_id(&texts[0], &tick->query->leases[i].id);
        fm_db_array_id(&texts[1], &tick->query->leases[i].account);
        fm_db_array_number(&texts[2], (int64_t)tick->query->leases[i].lease);
    }
    add_call(tick, fm_sql_tick_leases, 3, read_gone);
}

static void ask_watched(struct fm_tick_db *tick)
{
    struct fm_text *texts = next_texts(tick);
    if (tick->query->watched_count == 0) {
        return;
    }
    fm_db_array_open(&texts[0], FM_DB_UUID);
    for (size_t i = 0; i < tick->query->watched_count; i++) {
        fm_db_array_id(&texts[0], &tick->query->watched[i]);
    }
    add_call(tick, fm_sql_tick_watched, 1, read_watched);
}

/* Adds a statement whose only parameter is this broker's number. */
static void ask_of_broker(struct fm_tick_db *tick, const char *sql, read_rows *read)
{
    struct fm_text *texts = next_texts(tick);
    fm_text_clear(&texts[0]);
    fm_text_format(&texts[0], "%lld", (long long)(int64_t)tick->broker);
    add_call(tick, sql, 1, read);
}

static void build_calls(struct fm_tick_db *tick)
{
    tick->call_count = 0;
    add_call(tick, fm_sql_tick_epochs, 0, read_epochs);
    ask_heads(tick);
    ask_leases(tick);
    ask_watched(tick);
    if (!tick->query->wants_heads_only) {
        ask_of_broker(tick, fm_sql_tick_overdue, read_overdue);
        ask_of_broker(tick, fm_sql_tick_running, read_running);
    }
    if (tick->query->wants_sessions) {
        add_call(tick, fm_sql_tick_sessions, 0, read_sessions);
    }
    if (tick->query->wants_nodes) {
        add_call(tick, fm_sql_tick_nodes, 0, read_nodes);
    }
    if (tick->query->wants_pauses) {
        add_call(tick, fm_sql_tick_pauses, 0, read_pauses);
    }
}

bool fm_tick_db_start(struct fm_tick_db *tick, const struct fm_tick_query *query,
                      void (*done)(void *context, const struct fm_tick_answer *answer),
                      void *context)
{
    enum fm_db_state state = tick->is_under_way ? FM_DB_BUSY : fm_db_pump(tick->db);
    if (state != FM_DB_IDLE && state != FM_DB_ANSWERED) {
        return false;
    }
    tick->query = query;
    tick->done = done;
    tick->context = context;
    tick->is_under_way = true;
    tick->sent_at = fm_clock_ms();
    build_calls(tick);
    fm_db_send(tick->db, tick->calls, tick->call_count);
    return true;
}

int fm_tick_db_fd(const struct fm_tick_db *tick)
{
    return fm_db_fd(tick->db);
}

short fm_tick_db_poll_events(const struct fm_tick_db *tick)
{
    return fm_db_poll_events(tick->db);
}

static void answer_all(struct fm_tick_db *tick)
{
    struct fm_tick_answer answer = {0};
    struct reading reading = {.tick = tick, .answer = &answer};
    for (size_t i = 0; i < tick->call_count; i++) {
        struct fm_db_rows *rows = fm_db_take(tick->db, i);
        tick->read[i](&reading, rows, fm_db_rows_count(rows));
        fm_db_rows_destroy(&rows);
    }
    tick->is_under_way = false;
    tick->done(tick->context, &answer);
    fm_arena_done(&reading.memory);
}

static void answer_nothing(struct fm_tick_db *tick, const char *why)
{
    fm_log(FM_LOG_WARNING, "tick_failed", "detail=\"%s\"", why);
    tick->is_under_way = false;
    tick->done(tick->context, NULL);
}

static void handle_answer(struct fm_tick_db *tick)
{
    struct fm_error why = {0};
    if (fm_db_verdict(tick->db, &why) == FM_DB_DONE) {
        answer_all(tick);
    } else {
        answer_nothing(tick, why.detail);
    }
}

int fm_tick_db_pump(struct fm_tick_db *tick)
{
    enum fm_db_state state = fm_db_pump(tick->db);
    bool is_late = tick->is_under_way && fm_clock_ms() - tick->sent_at >= ANSWER_MS;
    if (state == FM_DB_BUSY && is_late) {
        fm_db_drop(tick->db);
        state = FM_DB_AWAY;
    }
    if (tick->is_under_way && state == FM_DB_ANSWERED) {
        handle_answer(tick);
    } else if (tick->is_under_way && state != FM_DB_BUSY) {
        answer_nothing(tick, is_late ? "no answer in time" : fm_db_trouble(tick->db));
    }
    return tick->is_under_way ? fm_clock_left(tick->sent_at + ANSWER_MS) : fm_db_wait_ms(tick->db);
}
