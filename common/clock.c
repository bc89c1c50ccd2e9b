/* The system's two clocks, and RFC 3339 written and read without a locale or a time zone. */
#include "common/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define US_PER_SECOND INT64_C(1000000)

int64_t fm_clock_ms(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t fm_clock_us(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t fm_clock_wall_us(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

void fm_clock_format(int64_t wall_us, char out[FM_CLOCK_TEXT_SIZE])
{
    int64_t part = wall_us % US_PER_SECOND;
    part += part < 0 ? US_PER_SECOND : 0;
    time_t seconds = (time_t)((wall_us - part) / US_PER_SECOND);
    struct tm tm = {0};
    gmtime_r(&seconds, &tm);
    /* The remainders prove to gcc (-Wformat-truncation) that each number fits its digits. */
    snprintf(out, FM_CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
             (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
             (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
             (unsigned)tm.tm_sec % 100, (unsigned)(part / 1000) % 1000);
}

/* Reads exactly `digits` decimal digits and moves *at behind them. */
static bool read_number(const char **at, int digits, int *out)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9') {
            return false;
        }
        value = value * 10 + (c - '0');
    }
    *at += digits;
    *out = value;
    return true;
}

/* RFC 3339 §5.6 allows "t" and "z" for "T" and "Z". */
static bool read_char(const char **at, char upper)
{
    char c = **at;
    bool is_lower_twin = upper >= 'A' && c == upper - 'A' + 'a';
    if (c != upper && !is_lower_twin) {
        return false;
    }
    (*at)++;
    return true;
}

static bool read_date(const char **at, struct tm *tm)
{
    if (!read_number(at, 4, &tm->tm_year) || !read_char(at, '-') ||
        !read_number(at, 2, &tm->tm_mon) || !read_char(at, '-') ||
        !read_number(at, 2, &tm->tm_mday)) {
        return false;
    }
    tm->tm_year -= 1900;
    tm->tm_mon -= 1;
    return true;
}

/* Second 60 is RFC 3339's leap second; timegm counts it as the first second of the next minute. */
static bool read_time(const char **at, struct tm *tm)
{
    return read_number(at, 2, &tm->tm_hour) && read_char(at, ':') &&
           read_number(at, 2, &tm->tm_min) && read_char(at, ':') &&
           read_number(at, 2, &tm->tm_sec) && tm->tm_hour < 24 && tm->tm_min < 60 &&
           tm->tm_sec <= 60;
}

/* Reads up to 7 digits, so that a seventh is seen and refused rather than left in the text. */
static bool read_fraction(const char **at, int64_t *us)
{
    *us = 0;
    if (!read_char(at, '.')) {
        return true;
    }
    int64_t unit = US_PER_SECOND;
    int digit = 0;
    int count = 0;
    while (count < 7 && read_number(at, 1, &digit)) {
        unit /= 10;
        *us += digit * unit;
        count++;
    }
    return count >= 1 && count <= 6;
}

static bool read_offset(const char **at, int64_t *seconds)
{
    *seconds = 0;
    if (read_char(at, 'Z')) {
        return true;
    }
    int hours = 0;
    int minutes = 0;
    char sign = **at;
    if (sign != '+' && sign != '-') {
        return false;
    }
    (*at)++;
    if (!read_number(at, 2, &hours) || !read_char(at, ':') || !read_number(at, 2, &minutes) ||
        hours > 23 || minutes > 59) {
        return false;
    }
    *seconds = ((int64_t)hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    return true;
}

bool fm_clock_parse(const char *text, int64_t *wall_us)
{
    struct tm tm = {0};
    int64_t us = 0;
    int64_t offset = 0;
    const char *at = text;
    if (!read_date(&at, &tm) || !read_char(&at, 'T') || !read_time(&at, &tm) ||
        !read_fraction(&at, &us) || !read_offset(&at, &offset) || *at != '\0') {
        return false;
    }
    /* timegm turns 31 February into 3 March without complaint, so a date that comes back changed is
     * not in the calendar. */
    struct tm day = {.tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday};
    struct tm check = day;
    (void)timegm(&check);
    if (check.tm_mday != day.tm_mday || check.tm_mon != day.tm_mon) {
        return false;
    }
    *wall_us = ((int64_t)timegm(&tm) - offset) * US_PER_SECOND + us;
    return true;
}

int fm_clock_left(int64_t at_ms)
{
    if (at_ms == FM_CLOCK_NEVER) {
        return -1;
    }
    int64_t now = fm_clock_ms();
    if (at_ms <= now) {
        return 0;
    }
    int64_t left = at_ms - now;
    return left > INT_MAX ? INT_MAX : (int)left;
}

int64_t fm_clock_earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
