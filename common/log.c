/*
 * Log lines: each is put together on the stack and written by a single write(2), so none
 * interleave.
 */
#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/memory.h"

#define LINE_BYTES 2048

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static const char *program_name = "fetchmedia";
static atomic_int least_level = FM_LOG_INFO; /* may change while threads log */

void fm_log_open(const char *program, enum fm_log_level level)
{
    program_name = program;
    atomic_store(&least_level, (int)level);
}

void fm_log_set_level(enum fm_log_level level)
{
    atomic_store(&least_level, (int)level);
}

bool fm_log_level_by_name(const char *name, enum fm_log_level *level)
{
    for (size_t i = 0; i < FM_COUNT(level_names); i++) {
        if (strcmp(level_names[i], name) == 0) {
            *level = (enum fm_log_level)i;
            return true;
        }
    }
    return false;
}

/* A line break in a value would start a line that looks like a log line. */
static void replace_controls(char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c < 0x20 || c == 0x7f) {
            line[i] = '?';
        }
    }
}

/* snprintf returns the length it wanted; this is the length it wrote into `room` bytes. */
static size_t within(int length, size_t room)
{
    return length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
}

void fm_log(enum fm_log_level level, const char *event, const char *format, ...)
{
    if ((int)level < atomic_load(&least_level)) {
        return;
    }
    char line[LINE_BYTES];
    char now[FM_CLOCK_TEXT_SIZE];
    fm_clock_format(fm_clock_wall_us(), now);
    size_t length = within(
        snprintf(line, sizeof(line), "%s %s %s %s", now, level_names[level], program_name, event),
        sizeof(line));
    if (format != NULL && length + 2 < sizeof(line)) {
        va_list arguments;
        line[length++] = ' ';
        va_start(arguments, format);
        length += within(vsnprintf(line + length, sizeof(line) - length, format, arguments),
                         sizeof(line) - length);
        va_end(arguments);
    }
    replace_controls(line, length);
    line[length] = '\n';
    /* There is nowhere to report that stderr itself failed. */
    ssize_t written = write(STDERR_FILENO, line, length + 1);
    (void)written;
}

void fm_log_failure(const char *event, const struct fm_error *err)
{
    char detail[sizeof(err->detail)];
    memcpy(detail, err->detail, sizeof(detail));
    for (char *c = detail; *c != '\0'; c++) {
        if (*c == '"') {
            *c = '\'';
        }
    }
    fm_log(FM_LOG_ERROR, event, "error=%s detail=\"%s\"", fm_error_row(err->code)->public_code,
           detail);
}
