/*
 * One structured line per event on stderr:
 *   2026-01-31T12:00:00.000Z info broker job_claimed job=job_… lease=00ab… node=berlin-1
 * Never a key, a password, a token or a query string. Control bytes are replaced, lines end at 2
 * KiB. Threads: any.
 */
#ifndef FM_COMMON_LOG_H
#define FM_COMMON_LOG_H

#include "common/error.h"

enum fm_log_level { FM_LOG_DEBUG, FM_LOG_INFO, FM_LOG_WARNING, FM_LOG_ERROR };

/* The program's word in each line ("broker"); the least level that is written. Static strings. */
void fm_log_open(const char *program, enum fm_log_level level);
/* The least level anew, from any thread. */
void fm_log_set_level(enum fm_log_level level);
bool fm_log_level_by_name(const char *name, enum fm_log_level *level);
/* `format` gives the key=value pairs, or NULL. */
void fm_log(enum fm_log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "event error=public_code detail="…"" at level error. */
void fm_log_failure(const char *event, const struct fm_error *err);

#endif
