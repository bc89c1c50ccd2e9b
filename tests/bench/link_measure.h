/*
 * What the two programs of the link's benchmark agree on. Each stands on one room, since broker/
 * and worker/ may not include each other.
 */
#ifndef FM_TESTS_BENCH_LINK_MEASURE_H
#define FM_TESTS_BENCH_LINK_MEASURE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"

enum link_measure {
    LINK_JOBS,     /* JOBs one way; the worker answers each LINK_REPORT-th with a PROGRESS */
    LINK_PROGRESS, /* PROGRESS one way; the broker answers each LINK_REPORT-th with a RESULT_ACK */
    LINK_DIALOGUE, /* each JOB is answered by a RESULT, and each RESULT by a RESULT_ACK */
};

/* Messages that may be under way in a one-way measure. ZeroMQ counts a message as taken up to half
 * a high-water mark late, and the lowest mark at a sender is 1000: no send is ever refused. */
#define LINK_WINDOW 384
#define LINK_REPORT 96

static inline bool link_measure_by_name(const char *name, enum link_measure *measure)
{
    static const char *const names[] = {"jobs", "progress", "dialogue"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            *measure = (enum link_measure)i;
            return true;
        }
    }
    return false;
}

/* The receiver of a one-way measure reports how far it has come. */
static inline bool link_report_is_due(uint64_t number, uint64_t count)
{
    return number % LINK_REPORT == 0 || number == count;
}

/* A message that is lost or out of order ends the measurement; `err` may be NULL. */
static inline void link_die(const char *what, const struct fm_error *err)
{
    fprintf(stderr, "the link's benchmark: %s%s%s\n", what, err != NULL ? ": " : "",
            err != NULL ? err->detail : "");
    exit(1);
}

#endif
