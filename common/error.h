/*
 * What went wrong: one code from error.def and two texts that are never mixed.
 * `detail` is for the log alone; what a client may read is the row's text or, where a better one
 * can be given (validation), `message`, written for the client.
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
    enum fm_error_code code;
    char detail[512];
    char message[512]; /* for the client; empty: the row's text */
    char param[64];    /* the parameter at fault, or empty */
    unsigned line;     /* of a batch: which of its jobs is at fault, from 1; or 0 */
};

#define FM_MUST_CHECK __attribute__((warn_unused_result))

/* Fills `err` (may be NULL) with code and log detail; always returns false, so a failure is one
 * statement. */
bool fm_fail(struct fm_error *err, enum fm_error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same with errno's text behind the detail; ENOSPC and EDQUOT become RESOURCE_DISK. */
bool fm_fail_errno(struct fm_error *err, const char *what);

/* A failure whose text the client reads; `param` may be NULL. Always returns false. */
bool fm_fail_param(struct fm_error *err, enum fm_error_code code, const char *param,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The row of a code; an unknown number gives INTERNAL's row. Never NULL, static. */
const struct fm_error_row *fm_error_row(enum fm_error_code code);

/* The code of a wire number; INTERNAL if there is none. */
enum fm_error_code fm_error_from_wire(uint64_t wire);

/* What a client may read of this error: message, else the row's text. Lives as long as `err`. */
const char *fm_error_text(const struct fm_error *err);

#endif
