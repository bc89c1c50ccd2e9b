/* Time: a monotonic one to wait by, a wall one to show. */
#ifndef FM_COMMON_CLOCK_H
#define FM_COMMON_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define FM_CLOCK_TEXT_SIZE 25 /* "2026-01-31T12:00:00.000Z" + NUL */
#define FM_CLOCK_NEVER INT64_MAX

/* Milliseconds of CLOCK_MONOTONIC; never jumps. */
int64_t fm_clock_ms(void);
/* The same clock, in microseconds. */
int64_t fm_clock_us(void);
/* Microseconds since 1970 in UTC. */
int64_t fm_clock_wall_us(void);
/* RFC 3339 UTC with milliseconds. */
void fm_clock_format(int64_t wall_us, char out[FM_CLOCK_TEXT_SIZE]);
/* RFC 3339 with any offset and up to 6 fraction digits. */
bool fm_clock_parse(const char *text, int64_t *wall_us);
/* Milliseconds left until `at_ms`, 0 when passed, -1 for FM_CLOCK_NEVER: what poll() wants. */
int fm_clock_left(int64_t at_ms);

#endif
