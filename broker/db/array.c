/* Builds one-dimensional arrays in PostgreSQL's binary form (array_recv): five 32-bit numbers, then
 * each element with its length before it. Costs the server half of what parsing a text array
 * does. */
#include <string.h>

#include "broker/db/db.h"
#include "broker/db/value.h"
#include "common/memory.h"
#include "common/utf8.h"

/* Byte offsets of the element type and of the element count. */
#define TYPE_AT 8
#define COUNT_AT 12

/* Object ids of the catalog pg_type. */
static const struct {
    unsigned oid, bytes; /* bytes of a number */
} types[] = {
    [FM_DB_BOOLEAN] = {16, 1}, [FM_DB_SMALLINT] = {21, 2},      [FM_DB_INTEGER] = {23, 4},
    [FM_DB_BIGINT] = {20, 8},  [FM_DB_TEXT] = {25, 0},          [FM_DB_BYTEA] = {17, 0},
    [FM_DB_UUID] = {2950, 0},  [FM_DB_TIMESTAMPTZ] = {1184, 0},
};

void fm_db_array_open(struct fm_text *array, enum fm_db_type type)
{
    fm_text_clear(array);
    fm_db_value_raw(array, 1, 4); /* dimensions */
    fm_db_value_raw(array, 0, 4);
    fm_db_value_raw(array, types[type].oid, 4);
    fm_db_value_raw(array, 0, 4); /* elements: none yet */
    fm_db_value_raw(array, 1, 4); /* the first one's index */
}

/* Tells an array from a text: an array begins with a zero byte, which no text does. */
static bool is_array(const struct fm_text *text)
{
    return text->length > 0 && text->data[0] == '\0';
}

void fm_db_parameters(const struct fm_text *texts, size_t count, const char **parameters,
                      int *lengths)
{
    for (size_t i = 0; i < count; i++) {
        parameters[i] = fm_text_get(&texts[i]);
        lengths[i] = is_array(&texts[i]) ? (int)texts[i].length : 0;
    }
}

static void count_element(struct fm_text *array)
{
    unsigned char *count = (unsigned char *)array->data + COUNT_AT;
    int digit = 3;
    while (++count[digit] == 0) {
        digit--;
    }
}

void fm_db_array_number(struct fm_text *array, int64_t value)
{
    size_t type = 0;
    while (types[type].oid != (unsigned char)array->data[TYPE_AT + 3]) {
        type++;
    }
    count_element(array);
    fm_db_value_number(array, value, types[type].bytes);
}

static void put_null(struct fm_text *array)
{
    count_element(array);
    fm_db_value_null(array);
}

void fm_db_array_bytes(struct fm_text *array, struct fm_slice bytes)
{
    if (bytes.data == NULL) {
        put_null(array);
        return;
    }
    count_element(array);
    fm_db_value_bytes(array, bytes.data, bytes.length);
}

void fm_db_array_id(struct fm_text *array, const struct fm_id *id)
{
    bool is_none = fm_id_is_zero(id);
    fm_db_array_bytes(array, (struct fm_slice){.data = is_none ? NULL : (const char *)id->bytes,
                                               .length = sizeof(id->bytes)});
}

void fm_db_array_time(struct fm_text *array, int64_t wall_us)
{
    if (wall_us == 0) {
        put_null(array);
        return;
    }
    count_element(array);
    fm_db_value_time(array, wall_us);
}

/* PostgreSQL refuses text that is not UTF-8, and a worker's text must not fail a whole flush: so it
 * is cleaned in place, which keeps its length. */
void fm_db_array_text(struct fm_text *array, const char *value)
{
    if (value == NULL) {
        put_null(array);
        return;
    }
    size_t length = strlen(value);
    count_element(array);
    fm_db_value_bytes(array, value, length);
    fm_utf8_clean(array->data + array->length - length, FM_UTF8_ALL_CONTROLS);
}
