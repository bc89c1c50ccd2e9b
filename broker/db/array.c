/* PostgreSQL's arrays of one dimension, in binary (array_recv): five numbers, then each element
 * with its length before it. Half of what a text costs the server, and more here. */
#include <string.h>

#include "broker/db/db.h"
#include "broker/db/value.h"
#include "common/memory.h"

/* Where the numbers are; the others are always the same. */
#define TYPE_AT 8
#define COUNT_AT 12

/* As pg_type has them. */
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

/* No text begins with a zero, as every array does. */
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

/* Length of the UTF-8 sequence that starts here, 0 if there is none that PostgreSQL takes. The form
 * alone is checked as RFC 3629 §4 has it, overlong ones and surrogates included. */
static size_t measure_character(const unsigned char *at)
{
    static const struct {
        unsigned char first, last, low, high;
        size_t length;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    size_t form = 0;
    while (form < FM_COUNT(forms) && (at[0] < forms[form].first || at[0] > forms[form].last)) {
        form++;
    }
    if (form == FM_COUNT(forms) || forms[form].length == 1) {
        return form == FM_COUNT(forms) ? 0 : 1;
    }
    bool is_whole = at[1] >= forms[form].low && at[1] <= forms[form].high;
    for (size_t i = 2; is_whole && i < forms[form].length; i++) {
        is_whole = at[i] >= 0x80 && at[i] <= 0xbf;
    }
    return is_whole ? forms[form].length : 0;
}

/* Text of a worker must not be able to fail a whole flush: what is no UTF-8 becomes '?', byte for
 * byte. */
void fm_db_array_text(struct fm_text *array, const char *value)
{
    if (value == NULL) {
        put_null(array);
        return;
    }
    size_t length = strlen(value);
    count_element(array);
    fm_db_value_bytes(array, value, length);
    char *at = array->data + array->length - length;
    while (*at != '\0') {
        size_t good = measure_character((const unsigned char *)at);
        if (good == 0) {
            *at = '?';
        }
        at += good == 0 ? 1 : good;
    }
}
