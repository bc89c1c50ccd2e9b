/* What came back: a result in text form, read by row and column. */
#include "broker/db_rows.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "broker/db.h"
#include "common/hash.h"
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

int64_t fm_db_integer(const struct fm_db_rows *rows, size_t row, int column)
{
    int64_t value = 0;
    fm_text_to_i64(fm_db_text(rows, row, column), INT64_MIN, INT64_MAX, &value);
    return value;
}

bool fm_db_bool(const struct fm_db_rows *rows, size_t row, int column)
{
    return fm_db_text(rows, row, column)[0] == 't';
}

struct fm_id fm_db_id(const struct fm_db_rows *rows, size_t row, int column)
{
    struct fm_id id = {0};
    fm_id_from_uuid(fm_db_text(rows, row, column), &id);
    return id;
}

struct fm_slice fm_db_bytes(struct fm_db_rows *rows, size_t row, int column)
{
    const char *text = fm_db_text(rows, row, column);
    if (!fm_text_starts(text, "\\x")) {
        return (struct fm_slice){0};
    }
    size_t length = strlen(text + 2) / 2;
    char *bytes = fm_arena_alloc(&rows->decoded, length);
    fm_hash_from_hex(text + 2, bytes, length);
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
