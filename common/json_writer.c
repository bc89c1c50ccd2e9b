/* Writing JSON: appends to a text and puts the commas. No library behind it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"

/* From here on a double has no thousandths to show. */
#define WHOLE_FROM 1e12
/* From here on digits alone would be read as an integer too large for one. */
#define REAL_FROM 9e18

/* A lead byte: how long its sequence is, and what the second byte may be (RFC 3629 §4). */
struct lead {
    unsigned char from, to;
    size_t length;
    unsigned char second_from, second_to;
};

static const struct lead leads[] = {
    {0x00, 0x7f, 1, 0, 0},       {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static bool has_tail(const struct lead *lead, const unsigned char *at)
{
    if (lead->length > 1 && (at[1] < lead->second_from || at[1] > lead->second_to)) {
        return false;
    }
    for (size_t i = 2; i < lead->length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            return false;
        }
    }
    return true;
}

/* The length of the valid UTF-8 sequence at `at`, or 0. The NUL at the end stops every tail. */
static size_t sequence_length(const unsigned char *at)
{
    for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
        if (*at >= leads[i].from && *at <= leads[i].to) {
            return has_tail(&leads[i], at) ? leads[i].length : 0;
        }
    }
    return 0;
}

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

/* How many bytes stand for themselves from here on: nearly always all of them. */
static size_t plain_length(const unsigned char *at)
{
    size_t length = 0;
    while (at[length] >= 0x20 && at[length] < 0x80 && at[length] != '"' && at[length] != '\\') {
        length++;
    }
    return length;
}

/* One character that is not plain; answers how many bytes it was. */
static size_t put_other(struct fm_text *out, const unsigned char *at)
{
    size_t length = sequence_length(at);
    if (length == 0) {
        fm_text_append(out, "\xef\xbf\xbd");
        return 1;
    }
    if (length == 1) {
        put_escaped(out, *at);
    } else {
        fm_text_append_bytes(out, at, length);
    }
    return length;
}

static void put_quoted(struct fm_text *out, const char *value)
{
    const unsigned char *at = (const unsigned char *)value;
    fm_text_append_char(out, '"');
    while (*at != '\0') {
        size_t plain = plain_length(at);
        fm_text_append_bytes(out, at, plain);
        at += plain;
        if (*at != '\0') {
            at += put_other(out, at);
        }
    }
    fm_text_append_char(out, '"');
}

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

/* Whole thousandths, written as integers: no locale can put a comma in. */
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
