/*
 * The CLI's HTTP client of the public API (libcurl behind it), and where its address and key come
 * from: FETCHMEDIA_URL, FETCHMEDIA_API_KEY or FETCHMEDIA_API_KEY_FILE, else the 0600 config file.
 * Never a key in argv.
 */
#ifndef FM_CLI_CLIENT_H
#define FM_CLI_CLIENT_H

#include "common/json.h"

struct fm_client {
    char *base_url;
    char *api_key;
};

/* SETTING when there is no address or no key, or the config file is readable by others. A kept key
 * is only ever sent to the address it was kept with. */
bool fm_client_open(struct fm_client *client, struct fm_error *err) FM_MUST_CHECK;
void fm_client_done(struct fm_client *client);
/* Keeps address and key in the config file (0600). */
bool fm_client_keep(const char *base_url, const char *api_key, struct fm_error *err) FM_MUST_CHECK;
/* Where that file is: $XDG_CONFIG_HOME/fetchmedia/config, else ~/.config/fetchmedia/config. */
bool fm_client_config_path(struct fm_text *path, struct fm_error *err) FM_MUST_CHECK;

struct fm_client_answer {
    long status;
    struct fm_json *json; /* NULL when the body is no JSON */
    struct fm_text body;
    unsigned retry_after_seconds;
};
/* `body` NULL: none. UNAVAILABLE when nobody answers; a 4xx or 5xx is an answer. */
bool fm_client_call(const struct fm_client *client, const char *method, const char *path,
                    const char *body, struct fm_client_answer *answer,
                    struct fm_error *err) FM_MUST_CHECK;
/* A POST whose body is read as it is sent. `read` fills at most `room` bytes and gives their
 * number, 0 at the end; false, with its error, gives the request up. */
struct fm_client_body {
    const char *content_type;
    bool (*read)(void *context, char *out, size_t room, size_t *length, struct fm_error *err);
    void *context;
};
bool fm_client_send(const struct fm_client *client, const char *path,
                    const struct fm_client_body *body, struct fm_client_answer *answer,
                    struct fm_error *err) FM_MUST_CHECK;
void fm_client_answer_done(struct fm_client_answer *answer);
/* True for 2xx; else false with the error the service named, in its own words. */
bool fm_client_check(const struct fm_client_answer *answer, struct fm_error *err) FM_MUST_CHECK;
/* Streams a URL (absolute, no key sent) into a new file. */
bool fm_client_download(const char *url, const char *path, struct fm_error *err) FM_MUST_CHECK;
/* GET without a key; false when nobody answers. */
bool fm_client_get_plain(const char *base_url, const char *path, long *status,
                         struct fm_text *body);

#endif
