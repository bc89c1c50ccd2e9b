/*
 * The CLI's HTTP client for the public API, and the only place where the CLI uses libcurl. It also
 * finds the service's address and the API key: in FETCHMEDIA_URL, FETCHMEDIA_API_KEY and
 * FETCHMEDIA_API_KEY_FILE, else in the config file (mode 0600). No option takes a key, because any
 * user can read another process's arguments.
 * Threads: the main thread alone; each request changes process-wide signal handlers while it runs.
 */
#ifndef FM_CLI_CLIENT_H
#define FM_CLI_CLIENT_H

#include "common/json.h"

struct fm_client {
    char *base_url; /* without a slash at its end */
    char *api_key;
};

/* Finds the address and the key; makes no request. SETTING when either is missing or malformed, or
 * when users other than the owner have any access to the config file. The config file's key is sent
 * only to the config file's address: another FETCHMEDIA_URL needs a key from the environment. */
bool fm_client_open(struct fm_client *client, struct fm_error *err) FM_MUST_CHECK;
void fm_client_done(struct fm_client *client);
/* Writes address and key to the config file (0600), replacing what it held. SETTING when the key is
 * not formed like an API key. */
bool fm_client_save(const char *base_url, const char *api_key, struct fm_error *err) FM_MUST_CHECK;
/* The config file's path: $XDG_CONFIG_HOME/fetchmedia/config, else ~/.config/fetchmedia/config. */
bool fm_client_config_path(struct fm_text *path, struct fm_error *err) FM_MUST_CHECK;

struct fm_client_answer {
    long status;
    struct fm_json *json;         /* NULL when the body is not JSON */
    struct fm_text body;          /* up to 16 MiB; a longer body fails the request */
    unsigned retry_after_seconds; /* the Retry-After header; 0: absent, or a day and more */
};
/* Sends one request with the key; `path` begins with a slash, `body` may be NULL. True for any HTTP
 * status, 4xx and 5xx included: see fm_client_check. UNAVAILABLE when there was no answer. The
 * caller releases `answer` in both cases, and empties it before it reuses it for another call. */
bool fm_client_call(const struct fm_client *client, const char *method, const char *path,
                    const char *body, struct fm_client_answer *answer,
                    struct fm_error *err) FM_MUST_CHECK;
/* A request body that is produced while it is sent. `read` fills at most `room` bytes and sets
 * *length, 0 at the end; when it returns false, the request is abandoned with its error. */
struct fm_client_body {
    const char *content_type;
    bool (*read)(void *context, char *out, size_t room, size_t *length, struct fm_error *err);
    void *context;
};
/* POSTs that body in chunks, without a time limit; otherwise like fm_client_call. */
bool fm_client_send(const struct fm_client *client, const char *path,
                    const struct fm_client_body *body, struct fm_client_answer *answer,
                    struct fm_error *err) FM_MUST_CHECK;
void fm_client_answer_done(struct fm_client_answer *answer);
/* True for 2xx with a JSON body. Otherwise false, with the error code and the message that the
 * service sent; PROTOCOL when a 2xx is not JSON. */
bool fm_client_check(const struct fm_client_answer *answer, struct fm_error *err) FM_MUST_CHECK;
/* Downloads an absolute URL, normally a signed one, into a new file without sending the key. The
 * data goes to PATH.part-PID first, which is removed on failure and on Ctrl-C. ALREADY_EXISTS when
 * `path` exists: it is never overwritten. */
bool fm_client_download(const char *url, const char *path, struct fm_error *err) FM_MUST_CHECK;
/* GET without a key, for the operator's listener; waits up to 5 s. False when there is no answer;
 * any HTTP status is true. `body` is overwritten and the caller's to release. */
bool fm_client_get_plain(const char *base_url, const char *path, long *status,
                         struct fm_text *body);

#endif
