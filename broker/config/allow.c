/* Reads the allow-list from the setting and from a file that may change while the broker runs. */
#include "broker/config/allow.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"

#define FILE_LIMIT ((size_t)16 * 1024) /* bytes */

/* Joins both sources into one text. In the file, '#' begins a comment. */
static bool read_all(const struct fm_broker_settings *settings, struct fm_text *out,
                     struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text file = {0};
    const char *path = settings->allow_file != NULL ? settings->allow_file : "";
    fm_text_append(out, settings->allow_private != NULL ? settings->allow_private : "");
    if (*path == '\0' || (access(path, F_OK) != 0 && errno == ENOENT)) {
        return true;
    }
    if (!fm_file_read(path, FILE_LIMIT, &file, err)) {
        return false;
    }
    for (const char *line = fm_text_get(&file); *line != '\0';) {
        size_t length = strcspn(line, "\n");
        size_t words = strcspn(line, "#\n");
        fm_text_append_char(out, ' ');
        fm_text_append_bytes(out, line, words);
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    return true;
}

/* Our own listeners stay closed whatever the list allows. Workers learn them from WELCOME. */
static bool add_own(const char *listen, struct fm_address_policy *policy, struct fm_error *err)
{
    return listen == NULL || *listen == '\0' ||
           fm_address_rules_parse(listen, &policy->own, &policy->own_count, err);
}

static bool add_listeners(const struct fm_broker_settings *settings,
                          struct fm_address_policy *policy, struct fm_error *err)
{
    return add_own(settings->listen, policy, err) && add_own(settings->link_listen, policy, err) &&
           add_own(settings->metrics_listen, policy, err);
}

/* Reads the list's text and the policy made from it. The policy is empty if this fails. */
static bool read_policy(const struct fm_broker_settings *settings, struct fm_text *text,
                        struct fm_address_policy *policy, struct fm_error *err)
{
    *policy = (struct fm_address_policy){0};
    if (!read_all(settings, text, err)) {
        return false;
    }
    if (add_listeners(settings, policy, err) &&
        fm_address_rules_parse(fm_text_get(text), &policy->allow, &policy->allow_count, err) &&
        policy->allow_count <= FM_ALLOW_LIMIT) {
        return true;
    }
    fm_address_policy_done(policy);
    return fm_fail(err, FM_SETTING,
                   "allow_private, allow_file: a malformed entry, or more than %d of them",
                   FM_ALLOW_LIMIT);
}

bool fm_allow_read(const struct fm_broker_settings *settings, struct fm_address_policy *policy,
                   struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    return read_policy(settings, &text, policy, err);
}

bool fm_allow_words(const struct fm_broker_settings *settings, struct fm_arena *arena,
                    const char *words[FM_ALLOW_LIMIT], size_t *count, struct fm_error *err)
{
    static const char separators[] = ", \t\r\n";
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    FM_AUTO(fm_address_policy_done) struct fm_address_policy policy = {0};
    *count = 0;
    /* Checked here, because a malformed entry would make the worker fail the attempt. */
    if (!read_policy(settings, &text, &policy, err)) {
        return false;
    }
    const char *at = fm_text_get(&text);
    for (at += strspn(at, separators); *at != '\0'; at += strspn(at, separators)) {
        size_t length = strcspn(at, separators);
        words[(*count)++] = fm_arena_strndup(arena, at, length);
        at += length;
    }
    return true;
}
