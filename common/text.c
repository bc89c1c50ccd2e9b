/* Growing text, slices, strict numbers, and the distance between two names. */
#include "common/text.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* Names longer than this have no near names: a bound for the stack and the work. */
#define DISTANCE_LENGTH_LIMIT 64
#define NEAREST_LIMIT 3

/* Makes room for `more` bytes and a NUL. Doubles the capacity, so that n appends cost O(n); the
 * limit keeps the doubling from overflowing. */
static void reserve(struct fm_text *text, size_t more)
{
    size_t needed = 0;
    if (__builtin_add_overflow(text->length, more, &needed) || needed > SIZE_MAX / 4) {
        abort();
    }
    if (needed < text->capacity) {
        return;
    }
    size_t capacity = text->capacity == 0 ? 64 : text->capacity * 2;
    text->capacity = capacity > needed ? capacity : needed + 1;
    text->data = fm_realloc_array(text->data, text->capacity, 1);
}

void fm_text_append_bytes(struct fm_text *text, const void *bytes, size_t length)
{
    reserve(text, length);
    if (length > 0) {
        memcpy(text->data + text->length, bytes, length);
    }
    text->length += length;
    text->data[text->length] = '\0';
}

void fm_text_append(struct fm_text *text, const char *more)
{
    fm_text_append_bytes(text, more, strlen(more));
}

void fm_text_append_char(struct fm_text *text, char c)
{
    fm_text_append_bytes(text, &c, 1);
}

void fm_text_format(struct fm_text *text, const char *format, ...)
{
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length < 0) {
        abort();
    }
    reserve(text, (size_t)length);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
    text->length += (size_t)length;
    va_end(again);
    va_end(arguments);
}

void fm_text_clear(struct fm_text *text)
{
    text->length = 0;
    if (text->data != NULL) {
        text->data[0] = '\0';
    }
}

void fm_text_done(struct fm_text *text)
{
    free(text->data);
    *text = (struct fm_text){0};
}

const char *fm_text_get(const struct fm_text *text)
{
    return text->data != NULL ? text->data : "";
}

char *fm_text_take(struct fm_text *text)
{
    char *data = text->data != NULL ? text->data : fm_strdup("");
    *text = (struct fm_text){0};
    return data;
}

struct fm_slice fm_slice_of(const char *text)
{
    return (struct fm_slice){text, text == NULL ? 0 : strlen(text)};
}

bool fm_slice_equals(struct fm_slice slice, const char *text)
{
    size_t length = strlen(text);
    return slice.length == length && (length == 0 || memcmp(slice.data, text, length) == 0);
}

/* Only ASCII, so that no locale changes what is equal. */
static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool fm_text_equals_fold(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return lower(*a) == lower(*b);
}

bool fm_text_starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_digits(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (!is_digit(*text) || __builtin_mul_overflow(value, 10U, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

bool fm_text_to_u64(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (!read_digits(text, &value) || value < min || value > max) {
        return false;
    }
    *out = value;
    return true;
}

bool fm_text_to_i64(const char *text, int64_t min, int64_t max, int64_t *out)
{
    bool is_negative = text[0] == '-';
    uint64_t limit = (uint64_t)INT64_MAX + (is_negative ? 1 : 0);
    uint64_t size = 0;
    if (!read_digits(text + (is_negative ? 1 : 0), &size) || size > limit) {
        return false;
    }
    /* Negated as an unsigned number, because 2^63 does not fit int64_t. */
    int64_t value = (int64_t)(is_negative ? 0 - size : size);
    if (value < min || value > max) {
        return false;
    }
    *out = value;
    return true;
}

/* Made once and kept for the life of the process: strtod_l needs a locale object for "C". */
static locale_t plain_locale;

static void make_locale(void)
{
    plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain_locale == (locale_t)0) {
        abort();
    }
}

bool fm_text_to_double(const char *text, double *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_locale);
    /* strtod also takes white space, hexadecimal, "inf" and "nan", which are refused here. */
    if (text[strspn(text, "0123456789+-.eE")] != '\0' || text[0] == '+' || text[0] == '\0') {
        return false;
    }
    char *end = NULL;
    double value = strtod_l(text, &end, plain_locale);
    if (end == text || *end != '\0' || !isfinite(value)) {
        return false;
    }
    *out = value;
    return true;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Computes one row of the Levenshtein table in place: row[j] is the distance between the first i
 * letters of a and the first j of b. */
static void next_row(size_t *row, char letter, const char *b, size_t b_length)
{
    size_t diagonal = row[0];
    row[0]++;
    for (size_t j = 1; j <= b_length; j++) {
        size_t replaced = diagonal + (letter == b[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
    }
}

size_t fm_text_distance(const char *a, const char *b, size_t limit)
{
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    size_t row[DISTANCE_LENGTH_LIMIT + 1];
    if (a_length > DISTANCE_LENGTH_LIMIT || b_length > DISTANCE_LENGTH_LIMIT) {
        return limit + 1;
    }
    for (size_t j = 0; j <= b_length; j++) {
        row[j] = j;
    }
    for (size_t i = 0; i < a_length; i++) {
        next_row(row, a[i], b, b_length);
    }
    return least(row[b_length], limit + 1);
}

const char *fm_text_nearest(const char *name, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t best = NEAREST_LIMIT + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = fm_text_distance(name, names[i], NEAREST_LIMIT);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
