/*
 * Settings from a table: each row of a settings.def is a name, kind, default and sentence, and may
 * be given as --name, as environment FETCHMEDIA_NAME, or as `name = value` in a file (in that order
 * of strength). Unknown names are errors with a suggestion. Secrets are never taken from argv: a
 * row marked so is refused there.
 *
 * A settings.def has rows FM_SETTING(KIND, name, default text, min, max, "sentence"), KIND one of
 * TEXT (char *, min/max its length), NUMBER (uint64_t), BOOL, SECRET (TEXT, not from argv). From
 * it: struct fm_broker_settings { #define FM_SETTING(kind, name, standard, min, max, help)
 * FM_SETTING_##kind(name) #include "broker/config/settings.def"
 *   };
 */
#ifndef FM_COMMON_SETTINGS_H
#define FM_COMMON_SETTINGS_H

#include "common/error.h"
#include "common/text.h"

enum fm_setting_kind { FM_KIND_TEXT, FM_KIND_NUMBER, FM_KIND_BOOL, FM_KIND_SECRET };

struct fm_setting {
    enum fm_setting_kind kind;
    const char *name; /* with underscores; a dash is as good on the command line */
    size_t offset;
    const char *standard;
    uint64_t min, max;
    const char *help;
};

#define FM_SETTING_TEXT(name) char *name;
#define FM_SETTING_SECRET(name) char *name;
#define FM_SETTING_NUMBER(name) uint64_t name;
#define FM_SETTING_BOOL(name) bool name;

/* The command line, and what of it is no --option: borrowed from argv, in order; `rest` is the
 * caller's and has room for argc. "--help" is a word of rest. */
struct fm_settings_words {
    int argc;
    char **argv;
    char **rest;
    size_t rest_count;
};

/* Fills `out` (zeroed before) from defaults, then `file` (NULL: none; missing is an error), then
 * the environment, then argv from argv[1] on. */
bool fm_settings_load(const struct fm_setting *table, size_t count, void *out, const char *file,
                      struct fm_settings_words *words, struct fm_error *err) FM_MUST_CHECK;
void fm_settings_done(const struct fm_setting *table, size_t count, void *out);
/* One paragraph a row, for --help and the docs. */
void fm_settings_help(const struct fm_setting *table, size_t count, struct fm_text *out);

#endif
