/*
 * The time: a monotonic clock for deadlines and waits, and a wall clock for what people and the
 * database read. The only reader of the system's clocks.
 * Threads: any.
 */
#ifndef FM_COMMON_CLOCK_H
#define FM_COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define FM_CLOCK_TEXT_SIZE 25    /* "2026-01-31T12:00:00.000Z" + NUL */
#define FM_CLOCK_NEVER INT64_MAX /* a deadline that does not come */

/* Milliseconds of CLOCK_MONOTONIC: never jumps, and has no meaning outside this host and boot. */
int64_t fm_clock_ms(void);
/* Microseconds of the same clock. */
int64_t fm_clock_us(void);
/* Microseconds since 1970 in UTC. An administrator or NTP may set this clock back: never measure a
 * duration with it. */
int64_t fm_clock_wall_us(void);
/* Writes RFC 3339 in UTC with milliseconds; the rest of the microseconds is cut off. */
void fm_clock_format(int64_t wall_us, char out[FM_CLOCK_TEXT_SIZE]);
/* Reads RFC 3339 with any offset and up to 6 fraction digits; false, and *wall_us untouched, for
 * any other text and for days the calendar does not have. */
bool fm_clock_parse(const char *text, int64_t *wall_us);
/* Milliseconds from now until `at_ms` on fm_clock_ms()'s clock: 0 if it has passed, -1 for
 * FM_CLOCK_NEVER, at most INT_MAX. Fits poll()'s timeout. */
int fm_clock_left(int64_t at_ms);
/* The earlier of two times on one clock. */
int64_t fm_clock_earlier(int64_t a, int64_t b);

#endif
