/* The table of statements, how an event's members become array elements, and how returned rows
 * become outcomes: see statement.h. */
#include "broker/queue/statement.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "proto/message.h"
#include "sql/sql.h"

/* This many crashes or losses end a job; the limit of tries is the job's own (max_tries). */
#define CRASHES_MAX 2
#define LOSSES_MAX 3

/* A job of a paused site is tried again after this time, so a resume takes at most this long. */
#define DEFER_MS 30000

/* How a member is read, and the type of its array. FRESH_ID makes a new id for each element, and
 * TEXT_OR_EMPTY writes NULL as "". */
enum form { ID, FRESH_ID, NUMBER, INTEGER, SMALL, TEXT, TEXT_OR_EMPTY, BYTES, TIME, BOOLEAN };
static const enum fm_db_type types[] = {
    [ID] = FM_DB_UUID,
    [FRESH_ID] = FM_DB_UUID,
    [NUMBER] = FM_DB_BIGINT,
    [INTEGER] = FM_DB_INTEGER,
    [SMALL] = FM_DB_SMALLINT,
    [TEXT] = FM_DB_TEXT,
    [TEXT_OR_EMPTY] = FM_DB_TEXT,
    [BYTES] = FM_DB_BYTEA,
    [TIME] = FM_DB_TIMESTAMPTZ,
    [BOOLEAN] = FM_DB_BOOLEAN,
};

/* Short names for the rows below: E a member of each event, OF_FILE an event's member once for each
 * of its files, F a member of each file, H of each listed lease, MINE the broker's number, C a
 * constant. */
#define MEMBER(source, KIND, FORM, type, member)                                                   \
    FM_ROW(FM_SOURCE_##source, FM_QUEUE_##KIND, FORM, offsetof(struct type, member), 0)
#define E(KIND, FORM, member) MEMBER(EVENT, KIND, FORM, fm_queue_event, member)
#define OF_FILE(FORM, member) MEMBER(FILE_EVENT, FINISH, FORM, fm_queue_event, member)
#define F(FORM, member) MEMBER(FILE, FINISH, FORM, fm_file_facts, member)
#define H(FORM, member) MEMBER(HELD, ATTACH, FORM, fm_queue_held, member)
#define MINE FM_ROW(FM_SOURCE_BROKER, FM_QUEUE_KINDS, NUMBER, 0, 0)
#define C(number) FM_ROW(FM_SOURCE_CONSTANT, FM_QUEUE_KINDS, NUMBER, 0, number)

static void read_moved(struct fm_queue_event *event, struct fm_db_rows *rows, size_t row)
{
    (void)rows;
    (void)row;
    event->outcome = FM_QUEUE_MOVED;
}

static void read_born(struct fm_queue_event *event, struct fm_db_rows *rows, size_t row)
{
    event->outcome = FM_QUEUE_MOVED;
    event->is_leased = fm_db_bool(rows, row, 1);
    event->starts = 1;
    event->time_left_ms = (int64_t)event->timeout_seconds * 1000;
}

static void read_release(struct fm_queue_event *event, struct fm_db_rows *rows, size_t row)
{
    bool is_over = fm_db_bool(rows, row, 1);
    event->outcome = is_over ? FM_QUEUE_ENDED : FM_QUEUE_MOVED;
    event->state = is_over ? FM_STATE_FAILED : FM_STATE_QUEUED;
}

static void read_cancel(struct fm_queue_event *event, struct fm_db_rows *rows, size_t row)
{
    event->outcome = FM_QUEUE_MOVED;
    event->state = FM_STATE_CANCELED;
    event->had_lease = (uint64_t)fm_db_integer(rows, row, 1);
    event->had_session = (uint64_t)fm_db_integer(rows, row, 2);
}

static void read_attach(struct fm_queue_event *event, struct fm_db_rows *rows, size_t row)
{
    event->outcome = FM_QUEUE_MOVED;
    event->session = (uint64_t)fm_db_integer(rows, row, 1);
}

/* The rows end with the flush, so the event keeps a copy of the spec. */
static void read_claim(struct fm_queue_event *event, struct fm_db_rows *rows, size_t row)
{
    struct fm_slice spec = fm_db_bytes(rows, row, 3);
    event->outcome = FM_QUEUE_MOVED;
    event->starts = (unsigned)fm_db_integer(rows, row, 1);
    event->time_left_ms = fm_db_integer(rows, row, 2);
    free(event->spec_copy);
    event->spec_copy = fm_alloc(spec.length + 1);
    event->spec_length = spec.length;
    if (spec.length > 0) {
        memcpy(event->spec_copy, spec.data, spec.length);
    }
}

const struct fm_statement fm_statements[] = {
    {fm_sql_session_hold,
     FM_QUEUE_KINDS,
     NULL,
     {E(CLAIM, NUMBER, session), MINE, E(ENQUEUE, NUMBER, session)}},
    {fm_sql_node_hold, FM_QUEUE_KINDS, NULL, {E(ATTACH, ID, node)}},
    {fm_sql_session_lock, FM_QUEUE_KINDS, NULL, {E(ATTACH, ID, node), E(EXPIRE, NUMBER, session)}},
    {fm_sql_session_beat, FM_QUEUE_BEAT, read_moved, {E(BEAT, NUMBER, session), MINE}},
    {fm_sql_job_progress,
     FM_QUEUE_PROGRESS,
     read_moved,
     {E(PROGRESS, ID, id), E(PROGRESS, ID, account), E(PROGRESS, NUMBER, lease),
      E(PROGRESS, BYTES, packed)}},
    {fm_sql_job_finish,
     FM_QUEUE_FINISH,
     read_moved,
     {E(FINISH, ID, id), E(FINISH, ID, account), E(FINISH, NUMBER, lease), E(FINISH, SMALL, state),
      E(FINISH, INTEGER, error), E(FINISH, TEXT, detail), E(FINISH, ID, node),
      E(FINISH, BYTES, packed), OF_FILE(NUMBER, lease), OF_FILE(FRESH_ID, id),
      F(TEXT_OR_EMPTY, name), F(TEXT_OR_EMPTY, extension), F(TEXT_OR_EMPTY, content_type),
      F(NUMBER, size_bytes), F(BYTES, sha256), C(FM_STATE_SUCCEEDED)}},
    {fm_sql_job_release,
     FM_QUEUE_RELEASE,
     read_release,
     {E(RELEASE, ID, id), E(RELEASE, ID, account), E(RELEASE, NUMBER, lease),
      E(RELEASE, INTEGER, release), E(RELEASE, NUMBER, delay_ms), E(RELEASE, INTEGER, error),
      E(RELEASE, TEXT, detail), E(RELEASE, ID, node), C(CRASHES_MAX), C(LOSSES_MAX),
      C(FM_STATE_FAILED), C(FM_WORKER_LOST)}},
    {fm_sql_job_cancel,
     FM_QUEUE_CANCEL,
     read_cancel,
     {E(CANCEL, ID, id), E(CANCEL, ID, account), C(FM_STATE_CANCELED), C(FM_CANCELED)}},
    {fm_sql_job_delete, FM_QUEUE_DELETE, read_moved, {E(DELETE, ID, id), E(DELETE, ID, account)}},
    {fm_sql_job_defer,
     FM_QUEUE_DEFER,
     read_moved,
     {E(DEFER, ID, id), E(DEFER, ID, account), C(DEFER_MS)}},
    {fm_sql_session_attach,
     FM_QUEUE_ATTACH,
     read_attach,
     {E(ATTACH, NUMBER, session), E(ATTACH, ID, node), E(ATTACH, NUMBER, boot),
      E(ATTACH, NUMBER, beat), MINE}},
    {fm_sql_session_settle,
     FM_QUEUE_KINDS,
     NULL,
     {E(ATTACH, ID, node), E(ATTACH, NUMBER, boot), H(NUMBER, lease)}},
    {fm_sql_session_expire,
     FM_QUEUE_EXPIRE,
     read_moved,
     {E(EXPIRE, NUMBER, session), E(EXPIRE, NUMBER, beat), E(EXPIRE, BOOLEAN, is_loss),
      E(ATTACH, ID, node), E(ATTACH, NUMBER, boot), C(LOSSES_MAX), C(FM_STATE_FAILED),
      C(FM_WORKER_LOST)}},
    {fm_sql_job_enqueue,
     FM_QUEUE_ENQUEUE,
     read_born,
     {E(ENQUEUE, ID, id), E(ENQUEUE, ID, account), E(ENQUEUE, ID, key), E(ENQUEUE, SMALL, type),
      E(ENQUEUE, SMALL, site), E(ENQUEUE, TEXT, pool), E(ENQUEUE, SMALL, lane),
      E(ENQUEUE, TIME, run_at_us), E(ENQUEUE, SMALL, max_tries),
      E(ENQUEUE, INTEGER, timeout_seconds), E(ENQUEUE, INTEGER, expires_seconds),
      E(ENQUEUE, BYTES, spec), E(ENQUEUE, NUMBER, lease), E(ENQUEUE, NUMBER, session), MINE,
      E(ENQUEUE, ID, retry_of)}},
    {fm_sql_job_claim,
     FM_QUEUE_CLAIM,
     read_claim,
     {E(CLAIM, ID, id), E(CLAIM, ID, account), E(CLAIM, NUMBER, lease), E(CLAIM, NUMBER, session),
      MINE}},
};

const size_t fm_statement_count = FM_COUNT(fm_statements);

static uint64_t get_u64(const void *at)
{
    uint64_t value = 0;
    memcpy(&value, at, sizeof(value));
    return value;
}

static void put_text(struct fm_text *array, const void *at, bool is_never_null)
{
    const char *value = NULL;
    memcpy(&value, at, sizeof(value));
    fm_db_array_text(array, value == NULL && is_never_null ? "" : value);
}

static void put_unsigned(struct fm_text *array, const void *at)
{
    unsigned value = 0;
    memcpy(&value, at, sizeof(value));
    fm_db_array_number(array, value);
}

static void put_member(struct fm_text *array, enum form form, const void *at)
{
    struct fm_id fresh;
    switch (form) {
    case ID:
        fm_db_array_id(array, at);
        break;
    case FRESH_ID:
        fresh = fm_id_new();
        fm_db_array_id(array, &fresh);
        break;
    case NUMBER:
        fm_db_array_number(array, (int64_t)get_u64(at));
        break;
    case INTEGER:
    case SMALL:
        put_unsigned(array, at);
        break;
    case TEXT:
    case TEXT_OR_EMPTY:
        put_text(array, at, form == TEXT_OR_EMPTY);
        break;
    case BYTES:
        fm_db_array_bytes(array, *(const struct fm_slice *)at);
        break;
    case TIME:
        fm_db_array_time(array, *(const int64_t *)at);
        break;
    case BOOLEAN:
        fm_db_array_number(array, *(const bool *)at);
        break;
    }
}

static void put_files(struct fm_text *array, const struct fm_statement_parameter *parameter,
                      const struct fm_queue_event *event)
{
    for (size_t i = 0; i < event->file_count; i++) {
        const void *base =
            parameter->source == FM_SOURCE_FILE_EVENT ? (const void *)event : &event->files[i];
        put_member(array, parameter->form, (const char *)base + parameter->offset);
    }
}

enum fm_db_type fm_statement_type(const struct fm_statement_parameter *parameter)
{
    return types[parameter->form];
}

void fm_statement_put(const struct fm_statement_parameter *parameter,
                      const struct fm_queue_event *event, struct fm_text *array)
{
    if (parameter->source == FM_SOURCE_EVENT) {
        put_member(array, parameter->form, (const char *)event + parameter->offset);
        return;
    }
    if (parameter->source != FM_SOURCE_HELD) {
        put_files(array, parameter, event);
        return;
    }
    for (size_t i = 0; i < event->held_count; i++) {
        put_member(array, parameter->form, (const char *)&event->held[i] + parameter->offset);
    }
}
