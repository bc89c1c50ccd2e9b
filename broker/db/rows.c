/* Reads results by row and column. Columns are binary if the statement had parameters and was
 * prepared, else text. */
#include "broker/db/rows.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "broker/db/db.h"
#include "common/memory.h"

struct fm_db_rows {
    PGresult *result;
    struct fm_arena decoded; /* bytea of this result, as bytes */
};

struct fm_db_rows *fm_db_rows_of(struct pg_result *result)
{
    struct fm_db_rows *rows = fm_alloc(sizeof(*rows));
    rows->result = result;
    return rows;
}

/* What each SQLSTATE (PostgreSQL manual, appendix A) means for the pipeline. */
static enum fm_db_verdict judge_sqlstate(const char *state)
{
    static const struct {
        const char *prefix;
        enum fm_db_verdict verdict;
    } rows[] = {
        {"40", FM_DB_AGAIN}, {"55P03", FM_DB_AGAIN}, {"25006", FM_DB_LATER}, {"53", FM_DB_LATER},
        {"57", FM_DB_LATER}, {"58", FM_DB_LATER},    {"08", FM_DB_LATER},    {"XX", FM_DB_LATER},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        if (fm_text_starts(state, rows[i].prefix)) {
            return rows[i].verdict;
        }
    }
    return FM_DB_REFUSED;
}

enum fm_db_verdict fm_db_judge(const struct pg_result *failed, struct fm_error *err)
{
    const char *state = PQresultErrorField(failed, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(failed, PG_DIAG_MESSAGE_PRIMARY);
    fm_fail(err, FM_DATABASE, "%s %s", state == NULL ? "?" : state, text == NULL ? "" : text);
    return state == NULL ? FM_DB_LATER : judge_sqlstate(state);
}

size_t fm_db_rows_count(const struct fm_db_rows *rows)
{
    return (size_t)PQntuples(rows->result);
}

bool fm_db_is_null(const struct fm_db_rows *rows, size_t row, int column)
{
    return PQgetisnull(rows->result, (int)row, column) == 1;
}

const char *fm_db_text(const struct fm_db_rows *rows, size_t row, int column)
{
    return PQgetvalue(rows->result, (int)row, column);
}

static bool is_binary(const struct fm_db_rows *rows, int column)
{
    return PQfformat(rows->result, column) == 1;
}

static struct fm_slice value_of(const struct fm_db_rows *rows, size_t row, int column)
{
    return (struct fm_slice){.data = fm_db_text(rows, row, column),
                             .length = (size_t)PQgetlength(rows->result, (int)row, column)};
}

/* A smallint, integer or bigint in network order. */
static int64_t number_of(struct fm_slice value)
{
    uint64_t number = value.length > 0 && (value.data[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < value.length && i < sizeof(number); i++) {
        number = number << 8 | (unsigned char)value.data[i];
    }
    return (int64_t)number;
}

int64_t fm_db_integer(const struct fm_db_rows *rows, size_t row, int column)
{
    int64_t value = 0;
    if (is_binary(rows, column)) {
        return number_of(value_of(rows, row, column));
    }
    fm_text_to_i64(fm_db_text(rows, row, column), INT64_MIN, INT64_MAX, &value);
    return value;
}

bool fm_db_bool(const struct fm_db_rows *rows, size_t row, int column)
{
    char first = fm_db_text(rows, row, column)[0];
    return is_binary(rows, column) ? first == 1 : first == 't';
}

struct fm_id fm_db_id(const struct fm_db_rows *rows, size_t row, int column)
{
    struct fm_id id = {0};
    struct fm_slice value = value_of(rows, row, column);
    if (is_binary(rows, column) && value.length == sizeof(id.bytes)) {
        memcpy(id.bytes, value.data, sizeof(id.bytes));
    } else {
        fm_id_from_uuid(value.data, &id);
    }
    return id;
}

/* Reads PostgreSQL's own hexadecimal output, which is lower case. */
static unsigned nibble(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10) & 15U;
}

struct fm_slice fm_db_bytes(struct fm_db_rows *rows, size_t row, int column)
{
    const char *text = fm_db_text(rows, row, column);
    bool is_null = fm_db_is_null(rows, row, column);
    if (!is_null && is_binary(rows, column)) {
        return value_of(rows, row, column);
    }
    if (is_null || !fm_text_starts(text, "\\x")) {
        return (struct fm_slice){0};
    }
    size_t length = strlen(text + 2) / 2;
    char *bytes = fm_arena_alloc(&rows->decoded, length);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (char)(nibble(text[2 + 2 * i]) << 4 | nibble(text[3 + 2 * i]));
    }
    return (struct fm_slice){.data = bytes, .length = length};
}

void fm_db_rows_destroy(struct fm_db_rows **rows)
{
    if (*rows == NULL) {
        return;
    }
    PQclear((*rows)->result);
    fm_arena_done(&(*rows)->decoded);
    free(fm_steal(*rows));
}
