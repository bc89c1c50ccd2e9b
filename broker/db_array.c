/* PostgreSQL array literals (manual §8.15.2): `{…}`, elements quoted where they may hold anything.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "broker/db.h"
#include "common/memory.h"

static void start_element(struct fm_text *array)
{
    if (array->data[array->length - 1] != '{') {
        fm_text_append_char(array, ',');
    }
}

void fm_db_array_open(struct fm_text *array)
{
    fm_text_clear(array);
    fm_text_append_char(array, '{');
}

void fm_db_array_close(struct fm_text *array)
{
    fm_text_append_char(array, '}');
}

static void append_null(struct fm_text *array)
{
    start_element(array);
    fm_text_append(array, "NULL");
}

/* By hand: most of what a flush says is numbers. */
void fm_db_array_integer(struct fm_text *array, int64_t value)
{
    char digits[21];
    size_t at = sizeof(digits);
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    start_element(array);
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    fm_text_append_bytes(array, digits + at, sizeof(digits) - at);
}

void fm_db_array_id(struct fm_text *array, const struct fm_id *id)
{
    if (fm_id_is_zero(id)) {
        append_null(array);
        return;
    }
    char uuid[FM_ID_UUID_SIZE];
    fm_id_to_uuid(id, uuid);
    start_element(array);
    fm_text_append(array, uuid);
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

/* Text of a worker must not be able to fail a whole flush: what is no UTF-8 becomes '?'. */
void fm_db_array_text(struct fm_text *array, const char *value)
{
    if (value == NULL) {
        append_null(array);
        return;
    }
    start_element(array);
    fm_text_append_char(array, '"');
    while (*value != '\0') {
        size_t length = measure_character((const unsigned char *)value);
        if (*value == '"' || *value == '\\') {
            fm_text_append_char(array, '\\');
        }
        fm_text_append_bytes(array, length == 0 ? "?" : value, length == 0 ? 1 : length);
        value += length == 0 ? 1 : length;
    }
    fm_text_append_char(array, '"');
}

void fm_db_array_bytes(struct fm_text *array, struct fm_slice bytes)
{
    static const char digits[] = "0123456789abcdef";
    if (bytes.data == NULL) {
        append_null(array);
        return;
    }
    start_element(array);
    fm_text_append(array, "\"\\\\x");
    char pair[512];
    size_t used = 0;
    for (size_t i = 0; i < bytes.length; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        pair[used++] = digits[byte >> 4];
        pair[used++] = digits[byte & 15];
        if (used == sizeof(pair)) {
            fm_text_append_bytes(array, pair, used);
            used = 0;
        }
    }
    fm_text_append_bytes(array, pair, used);
    fm_text_append_char(array, '"');
}

void fm_db_array_time(struct fm_text *array, int64_t wall_us)
{
    if (wall_us == 0) {
        append_null(array);
        return;
    }
    time_t seconds = (time_t)(wall_us / 1000000);
    struct tm utc = {0};
    char text[40];
    gmtime_r(&seconds, &utc);
    size_t length = strftime(text, sizeof(text), "\"%Y-%m-%d %H:%M:%S", &utc);
    snprintf(text + length, sizeof(text) - length, ".%06d+00\"", (int)(wall_us % 1000000));
    start_element(array);
    fm_text_append(array, text);
}
