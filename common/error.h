/*
 * What went wrong: one code of error.def, and two texts that are never mixed. `detail` is for the
 * log only and may name hosts, paths and SQL. The client reads the row's public text or, where a
 * better text can be given (validation), `message`, which is written for the client. Every fallible
 * function takes a struct fm_error * last and returns false through fm_fail. The function that
 * stops an error from travelling logs it, once.
 * Threads: any; an fm_error belongs to its caller.
 */
#ifndef FM_COMMON_ERROR_H
#define FM_COMMON_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fm_error_code {
    FM_NONE = 0,
#define FM_ERROR(name, wire, http, code, retry, text) FM_##name = wire,
#include "common/error.def"
#undef FM_ERROR
};

/* LATER: the queue runs the job again, and a client may repeat its request. */
enum fm_error_retry { FM_RETRY_NEVER, FM_RETRY_LATER };

/* One row of error.def. */
struct fm_error_row {
    enum fm_error_code code;
    int http_status;
    const char *public_code;
    enum fm_error_retry retry;
    const char *text;
};

struct fm_error {
    enum fm_error_code code; /* FM_NONE: nothing failed */
    char detail[512];
    char message[512]; /* for the client; empty: the row's text */
    char param[64];    /* the parameter at fault, or empty */
    unsigned line;     /* of a batch: the number of the job at fault, from 1; else 0 */
};

#define FM_MUST_CHECK __attribute__((warn_unused_result))

/* Fills `err` (may be NULL) with a code and the log's detail, cut to its 511 bytes. Always returns
 * false, so that a failure is one statement: `return fm_fail(…)`. The arguments may point into
 * `err` itself. */
bool fm_fail(struct fm_error *err, enum fm_error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* SYSTEM, or RESOURCE_DISK for ENOSPC and EDQUOT, with the detail "what: errno's text". Call it
 * before anything else can change errno. */
bool fm_fail_errno(struct fm_error *err, const char *what);

/* A failure whose text the client reads: it becomes both message and detail, so it may hold no
 * secret and no internal. `param` is the parameter at fault, or NULL. Always returns false. */
bool fm_fail_param(struct fm_error *err, enum fm_error_code code, const char *param,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The row of a code; INTERNAL's for an unknown number. Never NULL, static. */
const struct fm_error_row *fm_error_row(enum fm_error_code code);

/* The code of a wire number, which a newer peer may have sent; INTERNAL if no row has it. */
enum fm_error_code fm_error_from_wire(uint64_t wire);

/* The text a client may read: the message, else the row's text. Lives as long as `err`. */
const char *fm_error_text(const struct fm_error *err);

#endif
