/*
 * The log: one structured line per event on stderr.
 *   2026-01-31T12:00:00.000Z info broker job_claimed job=job_… lease=00ab… node=berlin-1
 * Callers never log a key, a password, a token or a query string. Control bytes are replaced by
 * '?', so that a value cannot forge a line; lines are cut at 2 KiB. Threads: any; a line is one
 * write(2).
 */
#ifndef FM_COMMON_LOG_H
#define FM_COMMON_LOG_H

#include "common/error.h"

enum fm_log_level { FM_LOG_DEBUG, FM_LOG_INFO, FM_LOG_WARNING, FM_LOG_ERROR };

/* Sets the program's name in each line ("broker", a static string) and the lowest level that is
 * written. Called once, before other threads start. */
void fm_log_open(const char *program, enum fm_log_level level);
/* Changes the lowest level that is written, at any time. */
void fm_log_set_level(enum fm_log_level level);
/* "debug", "info", "warning" or "error"; false for any other name. */
bool fm_log_level_by_name(const char *name, enum fm_log_level *level);
/* Writes one event. `format` gives its key=value pairs, or is NULL. A line that cannot be written
 * is lost. */
void fm_log(enum fm_log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Writes `event error=public_code detail="…"` at level error. */
void fm_log_failure(const char *event, const struct fm_error *err);

#endif
