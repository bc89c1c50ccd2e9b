/* Loads all settings again, then puts the old values back into those that need a restart, row by
 * row of the settings table. See reload.h. */
#include "broker/config/reload.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/memory.h"

static bool is_reloaded(const char *name)
{
    static const char *const names[] = {
#define FM_RELOAD(name) #name,
#include "broker/config/reload.def"
#undef FM_RELOAD
    };
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_text(const struct fm_setting *row)
{
    return row->kind == FM_KIND_TEXT || row->kind == FM_KIND_SECRET;
}

/* A text is held by pointer; a number or a bool by value. */
static size_t size_of(const struct fm_setting *row)
{
    return is_text(row)                  ? sizeof(char *)
           : row->kind == FM_KIND_NUMBER ? sizeof(uint64_t)
                                         : sizeof(bool);
}

/* Puts the old value back into `fresh`, as a copy of its own. True if the new value differed. */
static bool keep_old_value(const struct fm_setting *row, const struct fm_broker_settings *old,
                           struct fm_broker_settings *fresh)
{
    const char *was = (const char *)old + row->offset;
    char *is = (char *)fresh + row->offset;
    if (!is_text(row)) {
        bool differs = memcmp(was, is, size_of(row)) != 0;
        memcpy(is, was, size_of(row));
        return differs;
    }
    char *text = NULL, *copy = NULL;
    memcpy(&text, was, sizeof(text));
    copy = fm_strdup(text);
    memcpy(&text, is, sizeof(text));
    bool differs = text == NULL || strcmp(text, copy) != 0;
    free(text);
    memcpy(is, &copy, sizeof(copy));
    return differs;
}

bool fm_reload_settings(const struct fm_broker_settings *old, struct fm_settings_arguments *words,
                        struct fm_broker_settings **out, struct fm_error *err)
{
    struct fm_broker_settings *fresh = fm_alloc(sizeof(*fresh));
    enum fm_log_level level;
    bool is_fine = fm_settings_load(fm_broker_settings_table, fm_broker_settings_count, fresh,
                                    getenv("FETCHMEDIA_CONFIG"), words, err) &&
                   (fm_log_level_by_name(fresh->log_level, &level) ||
                    fm_fail(err, FM_SETTING, "log_level: debug, info, warning or error"));
    if (!is_fine) {
        fm_reload_destroy(&fresh);
        return false;
    }
    for (size_t i = 0; i < fm_broker_settings_count; i++) {
        const struct fm_setting *row = &fm_broker_settings_table[i];
        /* database_url, the only SECRET, may have come from DATABASE_URL, which is not read here;
         * a warning that it changed would be wrong. */
        bool is_plain = row->kind != FM_KIND_SECRET;
        if (!is_reloaded(row->name) && keep_old_value(row, old, fresh) && is_plain) {
            fm_log(FM_LOG_WARNING, "setting_waits", "name=%s detail=\"until a restart\"",
                   row->name);
        }
    }
    *out = fresh;
    return true;
}

void fm_reload_destroy(struct fm_broker_settings **settings)
{
    if (*settings != NULL) {
        fm_settings_done(fm_broker_settings_table, fm_broker_settings_count, *settings);
        free(fm_steal(*settings));
    }
}
