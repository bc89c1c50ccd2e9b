/*
 * The settings of a program, read by a table (a settings.def). Called once at the start of the
 * broker, the worker and each CLI command, and by the broker again on a reload.
 *
 * A setting may be given as --name, as FETCHMEDIA_NAME in the environment, or as `name = value` in
 * a file; the earlier in this list wins. An unknown --name or name in the file is an error that
 * suggests the nearest name. Secrets are refused on the command line, which every user of the host
 * can read.
 *
 * A row is FM_SETTING(KIND, name, default text, min, max, "sentence"). KIND is TEXT (char *, min
 * and max are its length in bytes), NUMBER (uint64_t), BOOL or SECRET (a TEXT, not from argv).
 * FM_SETTING_##kind(name) makes the struct's member of a row, as in worker/settings.h.
 */
#ifndef FM_COMMON_SETTINGS_H
#define FM_COMMON_SETTINGS_H

#include "common/error.h"
#include "common/text.h"

enum fm_setting_kind { FM_KIND_TEXT, FM_KIND_NUMBER, FM_KIND_BOOL, FM_KIND_SECRET };

struct fm_setting {
    enum fm_setting_kind kind;
    const char *name;     /* with underscores; dashes are accepted too */
    size_t offset;        /* of the value in the settings struct */
    const char *standard; /* the default, as text; NULL: "" */
    uint64_t min, max;
    const char *help;
};

#define FM_SETTING_TEXT(name) char *name;
#define FM_SETTING_SECRET(name) char *name;
#define FM_SETTING_NUMBER(name) uint64_t name;
#define FM_SETTING_BOOL(name) bool name;

/* The command line, and its arguments that are not options, in order: `rest` is the caller's array
 * with room for argc pointers, which are borrowed from argv. "--help" is put into `rest` too. After
 * a "--" every argument goes there. */
struct fm_settings_arguments {
    int argc;
    char **argv;
    char **rest;
    size_t rest_count;
};

/* Fills `out` (zeroed by the caller) from the defaults, then `file` (NULL: none; a missing file is
 * an error), then the environment, then argv from argv[1] on. SETTING on failure, with a message
 * for the operator; nothing in `out` needs freeing then. */
bool fm_settings_load(const struct fm_setting *table, size_t count, void *out, const char *file,
                      struct fm_settings_arguments *words, struct fm_error *err) FM_MUST_CHECK;
/* Frees the texts in `out`. */
void fm_settings_done(const struct fm_setting *table, size_t count, void *out);
/* Appends one paragraph per row, for --help and the docs. */
void fm_settings_help(const struct fm_setting *table, size_t count, struct fm_text *out);

#endif
