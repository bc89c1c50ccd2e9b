/*
 * Finds the service's address and the API key, and saves them in the config file: see client.h. The
 * file has lines "url = …" and "api_key = …"; lines that begin with # are comments.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/client.h"
#include "common/file.h"
#include "common/key.h"
#include "common/memory.h"
#include "common/url.h"

#define CONFIG_LIMIT 16384u
#define KEY_LIMIT 256u

/* ---- the two values ---- */

static char *trim(const char *text, size_t length)
{
    static const char blank[] = " \t\r\n";
    while (length > 0 && strchr(blank, text[length - 1]) != NULL) {
        length--;
    }
    while (length > 0 && strchr(blank, text[0]) != NULL) {
        text++;
        length--;
    }
    return fm_strndup(text, length);
}

/* The key becomes part of a header line, so it may hold no line break and no other control byte. */
static bool check_key(const char *key, struct fm_error *err)
{
    size_t length = strlen(key);
    bool is_good = length > 0 && length <= KEY_LIMIT;
    for (size_t i = 0; is_good && i < length; i++) {
        is_good = key[i] > ' ' && key[i] < 0x7f;
    }
    return is_good ||
           fm_fail(err, FM_SETTING,
                   "the API key is not 1 to 256 visible ASCII characters without a space");
}

/* Checks the address and drops its fragment and trailing slashes, because paths are appended to it.
 * *base_url may be set on failure too; the caller frees it. */
static bool clean_address(const char *text, char **base_url, struct fm_error *err)
{
    struct fm_url url;
    struct fm_error why = {0};
    if (!fm_url_parse(text, &url, &why)) {
        return fm_fail(err, FM_SETTING, "%.128s: %s", text, fm_error_text(&why));
    }
    bool is_bare = url.query == NULL;
    fm_url_done(&url);
    size_t length = strcspn(text, "#");
    while (length > 0 && text[length - 1] == '/') {
        length--;
    }
    *base_url = fm_strndup(text, length);
    return is_bare || fm_fail(err, FM_SETTING, "the service's address must not have a query");
}

/* ---- the file ---- */

bool fm_client_config_path(struct fm_text *path, struct fm_error *err)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    fm_text_clear(path);
    if (config != NULL && config[0] == '/') {
        fm_text_format(path, "%s/fetchmedia/config", config);
    } else if (home != NULL && home[0] == '/') {
        fm_text_format(path, "%s/.config/fetchmedia/config", home);
    } else {
        return fm_fail(err, FM_SETTING,
                       "no config file: neither HOME nor XDG_CONFIG_HOME is an absolute path");
    }
    return true;
}

/* The mode must be private before the key is used: a key that others can read is to be replaced. */
static bool check_mode(const char *path, struct fm_error *err)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        return fm_fail_errno(err, path);
    }
    bool is_ours = (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
    return is_ours ||
           fm_fail(
               err, FM_SETTING,
               "%s: other users have access to this file, which holds the API key; run chmod 600",
               path);
}

static bool parse_line(const char *line, size_t length, struct fm_client *saved,
                       struct fm_error *err)
{
    const char *equals = memchr(line, '=', length);
    size_t name_length = equals == NULL ? length : (size_t)(equals - line);
    FM_AUTO_FREE char *name = trim(line, name_length);
    if (name[0] == '\0' || name[0] == '#') {
        return true;
    }
    char **slot = strcmp(name, "url") == 0       ? &saved->base_url
                  : strcmp(name, "api_key") == 0 ? &saved->api_key
                                                 : NULL;
    if (slot == NULL || equals == NULL) {
        return fm_fail(err, FM_SETTING, "config file: \"%.32s\" is neither url nor api_key", name);
    }
    fm_memory_release(slot);
    *slot = trim(equals + 1, length - name_length - 1);
    return true;
}

/* Reads the config file, if there is one; a missing file is no error. */
static bool read_config(struct fm_client *saved, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0}, text = {0};
    struct stat status;
    if (!fm_client_config_path(&path, NULL) ||
        (stat(fm_text_get(&path), &status) != 0 && errno == ENOENT)) {
        return true;
    }
    if (!check_mode(fm_text_get(&path), err) ||
        !fm_file_read(fm_text_get(&path), CONFIG_LIMIT, &text, err)) {
        return false;
    }
    bool is_good = true;
    for (const char *line = fm_text_get(&text); is_good && line[0] != '\0';) {
        size_t length = strcspn(line, "\n");
        is_good = parse_line(line, length, saved, err);
        line += length + (line[length] == '\n');
    }
    return is_good;
}

/* ---- the environment ---- */

/* Leaves *key NULL when neither variable is set; FETCHMEDIA_API_KEY comes first. */
static bool key_of_environment(char **key, struct fm_error *err)
{
    const char *text = getenv("FETCHMEDIA_API_KEY"), *path = getenv("FETCHMEDIA_API_KEY_FILE");
    FM_AUTO(fm_text_done) struct fm_text read = {0};
    if (text != NULL && text[0] != '\0') {
        *key = trim(text, strlen(text));
    } else if (path != NULL && path[0] != '\0') {
        if (!fm_file_read(path, CONFIG_LIMIT, &read, err)) {
            return false;
        }
        *key = trim(fm_text_get(&read), read.length);
    }
    return true;
}

static bool choose_address(const struct fm_client *saved, struct fm_client *client,
                           struct fm_error *err)
{
    const char *given = getenv("FETCHMEDIA_URL");
    const char *chosen = given != NULL && given[0] != '\0' ? given : saved->base_url;
    if (chosen == NULL) {
        return fm_fail(err, FM_SETTING,
                       "no service address: set FETCHMEDIA_URL, or run fetchmedia config set URL");
    }
    return clean_address(chosen, &client->base_url, err);
}

/* The environment's key, else the config file's, provided both addresses are the same: a key must
 * not be sent to a service it does not belong to. */
static bool choose_key(const struct fm_client *saved, struct fm_client *client,
                       struct fm_error *err)
{
    FM_AUTO_FREE char *key_url = NULL; /* the address the saved key belongs to */
    if (client->api_key == NULL && saved->api_key != NULL && saved->base_url != NULL &&
        clean_address(saved->base_url, &key_url, err) && strcmp(key_url, client->base_url) == 0) {
        client->api_key = fm_strdup(saved->api_key);
    }
    if (client->api_key == NULL) {
        return fm_fail(err, FM_SETTING,
                       "no key for %.128s: set FETCHMEDIA_API_KEY or FETCHMEDIA_API_KEY_FILE, "
                       "or run fetchmedia config set URL",
                       client->base_url);
    }
    return check_key(client->api_key, err);
}

/* ---- the client ---- */

bool fm_client_open(struct fm_client *client, struct fm_error *err)
{
    FM_AUTO(fm_client_done) struct fm_client saved = {0};
    *client = (struct fm_client){0};
    if (key_of_environment(&client->api_key, err) && read_config(&saved, err) &&
        choose_address(&saved, client, err) && choose_key(&saved, client, err)) {
        return true;
    }
    fm_client_done(client);
    return false;
}

void fm_client_done(struct fm_client *client)
{
    fm_memory_release(&client->base_url);
    fm_memory_release(&client->api_key);
}

bool fm_client_save(const char *base_url, const char *api_key, struct fm_error *err)
{
    FM_AUTO(fm_client_done) struct fm_client saved = {.api_key = trim(api_key, strlen(api_key))};
    FM_AUTO(fm_text_done) struct fm_text path = {0}, text = {0};
    if (!fm_key_is_formed(saved.api_key)) {
        return fm_fail(err, FM_SETTING,
                       "not an API key: a key is sk_ followed by %d letters and digits",
                       FM_KEY_LENGTH - (int)strlen("sk_"));
    }
    if (!clean_address(base_url, &saved.base_url, err) || !fm_client_config_path(&path, err)) {
        return false;
    }
    FM_AUTO_FREE char *directory = fm_strdup(fm_text_get(&path));
    *strrchr(directory, '/') = '\0';
    fm_text_format(&text, "url = %s\napi_key = %s\n", saved.base_url, saved.api_key);
    return fm_file_make_dirs(directory, 0700, err) &&
           fm_file_write(fm_text_get(&path), 0600, (struct fm_slice){text.data, text.length}, err);
}
