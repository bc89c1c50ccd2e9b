/* Fills in errors, and looks their rows up in error.def. */
#include "common/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/memory.h"

static const struct fm_error_row rows[] = {
#define FM_ERROR(name, wire, http, code, retry, text)                                              \
    {FM_##name, http, code, FM_RETRY_##retry, text},
#include "common/error.def"
#undef FM_ERROR
};

/* Formats into a buffer of its own first, because an argument may point into `err`. */
static void fill_error(struct fm_error *err, enum fm_error_code code, const char *format,
                       va_list arguments) __attribute__((format(printf, 3, 0)));

static void fill_error(struct fm_error *err, enum fm_error_code code, const char *format,
                       va_list arguments)
{
    char detail[sizeof(err->detail)];
    vsnprintf(detail, sizeof(detail), format, arguments);
    memset(err, 0, sizeof(*err));
    err->code = code;
    memcpy(err->detail, detail, strlen(detail));
}

bool fm_fail(struct fm_error *err, enum fm_error_code code, const char *format, ...)
{
    if (err == NULL) {
        return false;
    }
    va_list arguments;
    va_start(arguments, format);
    fill_error(err, code, format, arguments);
    va_end(arguments);
    return false;
}

bool fm_fail_errno(struct fm_error *err, const char *what)
{
    int number = errno;
    /* A full disk has its own row, whose public text names the cause. */
    bool is_full = number == ENOSPC || number == EDQUOT;
    char text[128];
    const char *reason = strerror_r(number, text, sizeof(text));
    return fm_fail(err, is_full ? FM_RESOURCE_DISK : FM_SYSTEM, "%s: %s", what, reason);
}

bool fm_fail_param(struct fm_error *err, enum fm_error_code code, const char *param,
                   const char *format, ...)
{
    if (err == NULL) {
        return false;
    }
    char name[sizeof(err->param)];
    snprintf(name, sizeof(name), "%s", param == NULL ? "" : param);
    va_list arguments;
    va_start(arguments, format);
    fill_error(err, code, format, arguments);
    va_end(arguments);
    /* The same holds for `param`: it was copied before fill_error() cleared the error. */
    memcpy(err->param, name, sizeof(name));
    size_t length = strnlen(err->detail, sizeof(err->message) - 1);
    memcpy(err->message, err->detail, length);
    return false;
}

/* A linear search of a hundred rows: errors are rare. */
static const struct fm_error_row *find_row(uint64_t wire)
{
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        if ((uint64_t)rows[i].code == wire) {
            return &rows[i];
        }
    }
    return NULL;
}

const struct fm_error_row *fm_error_row(enum fm_error_code code)
{
    const struct fm_error_row *row = find_row((uint64_t)code);
    return row != NULL ? row : find_row(FM_INTERNAL);
}

enum fm_error_code fm_error_from_wire(uint64_t wire)
{
    const struct fm_error_row *row = find_row(wire);
    return row != NULL ? row->code : FM_INTERNAL;
}

const char *fm_error_text(const struct fm_error *err)
{
    return err->message[0] != '\0' ? err->message : fm_error_row(err->code)->text;
}
