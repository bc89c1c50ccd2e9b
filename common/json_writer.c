/* Writes JSON: appends to a text and puts the commas. No library behind it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/utf8.h"

/* From here on a double is written without decimals: thousandths would pass INT64_MAX at 9.2e15,
 * and its precision ends soon after. */
#define WHOLE_FROM 1e12
/* From here on "e0" is appended: without an exponent a reader would take the number for an integer,
 * and one too large. */
#define REAL_FROM 9e18

static void put_escaped(struct fm_text *out, unsigned char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = strchr(plain, c);
    if (found != NULL) {
        fm_text_append_char(out, '\\');
        fm_text_append_char(out, letters[found - plain]);
    } else {
        fm_text_format(out, "\\u%04x", (unsigned)c);
    }
}

/* The number of bytes from `text` on that need no escape: nearly always all of them. */
static size_t plain_length(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t length = 0;
    while (at[length] >= 0x20 && at[length] < 0x80 && at[length] != '"' && at[length] != '\\') {
        length++;
    }
    return length;
}

/* Writes one character that needs more than copying; returns its length in bytes. */
static size_t put_other(struct fm_text *out, const char *at, size_t left)
{
    size_t length = fm_utf8_measure(at, left, FM_UTF8_ALL_CONTROLS);
    if (length == 0) {
        fm_text_append(out, "\xef\xbf\xbd");
        return 1;
    }
    if (length == 1) {
        put_escaped(out, (unsigned char)*at);
    } else {
        fm_text_append_bytes(out, at, length);
    }
    return length;
}

static void put_quoted(struct fm_text *out, const char *value)
{
    const char *at = value;
    const char *end = value + strlen(value);
    fm_text_append_char(out, '"');
    while (at < end) {
        size_t plain = plain_length(at);
        fm_text_append_bytes(out, at, plain);
        at += plain;
        if (at < end) {
            at += put_other(out, at, (size_t)(end - at));
        }
    }
    fm_text_append_char(out, '"');
}

/* Every value passes here: the comma before it, and its name inside an object. */
static void start_value(struct fm_json_writer *writer, const char *name)
{
    if (writer->needs_comma) {
        fm_text_append_char(writer->out, ',');
    }
    writer->needs_comma = true;
    if (name != NULL) {
        put_quoted(writer->out, name);
        fm_text_append_char(writer->out, ':');
    }
}

void fm_json_open(struct fm_json_writer *writer, const char *name, char bracket)
{
    start_value(writer, name);
    fm_text_append_char(writer->out, bracket);
    writer->needs_comma = false;
}

void fm_json_close(struct fm_json_writer *writer, char bracket)
{
    fm_text_append_char(writer->out, bracket);
    writer->needs_comma = true;
}

void fm_json_put_text(struct fm_json_writer *writer, const char *name, const char *value)
{
    if (value == NULL) {
        fm_json_put_null(writer, name);
        return;
    }
    start_value(writer, name);
    put_quoted(writer->out, value);
}

void fm_json_put_integer(struct fm_json_writer *writer, const char *name, int64_t value)
{
    start_value(writer, name);
    fm_text_format(writer->out, "%" PRId64, value);
}

/* Written as two integers, because printf of a double uses the decimal point of the locale. */
static void put_thousandths(struct fm_text *out, double value)
{
    int64_t thousandths = llround(fabs(value) * 1000);
    int64_t part = thousandths % 1000;
    const char *sign = value < 0 && thousandths > 0 ? "-" : "";
    fm_text_format(out, "%s%" PRId64, sign, thousandths / 1000);
    if (part == 0) {
        return;
    }
    fm_text_format(out, ".%03" PRId64, part);
    while (out->data[out->length - 1] == '0') {
        out->data[--out->length] = '\0';
    }
}

void fm_json_put_double(struct fm_json_writer *writer, const char *name, double value)
{
    if (!isfinite(value)) {
        fm_json_put_null(writer, name);
        return;
    }
    start_value(writer, name);
    if (fabs(value) >= WHOLE_FROM) {
        fm_text_format(writer->out, "%.0f%s", value, fabs(value) >= REAL_FROM ? "e0" : "");
    } else {
        put_thousandths(writer->out, value);
    }
}

void fm_json_put_bool(struct fm_json_writer *writer, const char *name, bool value)
{
    start_value(writer, name);
    fm_text_append(writer->out, value ? "true" : "false");
}

void fm_json_put_null(struct fm_json_writer *writer, const char *name)
{
    start_value(writer, name);
    fm_text_append(writer->out, "null");
}

void fm_json_put_time(struct fm_json_writer *writer, const char *name, int64_t wall_us)
{
    if (wall_us == 0) {
        fm_json_put_null(writer, name);
        return;
    }
    char text[FM_CLOCK_TEXT_SIZE];
    fm_clock_format(wall_us, text);
    fm_json_put_text(writer, name, text);
}

void fm_json_put_raw(struct fm_json_writer *writer, const char *name, struct fm_slice json)
{
    start_value(writer, name);
    fm_text_append_bytes(writer->out, json.data, json.length);
}
