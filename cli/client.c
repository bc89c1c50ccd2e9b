/*
 * HTTP requests and downloads with libcurl: see client.h. Each request has an easy handle of its
 * own, so that no state and no connection outlives it. Any curl allocation that fails aborts, like
 * every other allocation of the project.
 */
#include "cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "common/file.h"
#include "common/memory.h"
#include "common/url.h"

#define ANSWER_LIMIT (16u << 20) /* no API response is larger; downloads have no limit */
#define CONNECT_SECONDS 10L
#define CALL_SECONDS 75L /* longer than the longest poll, wait=60 */
#define PLAIN_SECONDS 5L
#define STALL_SECONDS 60L /* a download fails after this long without a byte */
#define REDIRECT_LIMIT 5L

/* ---- one request ---- */

/* Requests to this machine ignore the environment's proxy, which could not reach it. */
static bool is_loopback(const char *text)
{
    struct fm_url url;
    if (!fm_url_parse(text, &url, NULL)) {
        return false;
    }
    bool is = strcmp(url.host, "localhost") == 0 ||
              (url.is_literal && fm_address_is_loopback(&url.address));
    fm_url_done(&url);
    return is;
}

static CURL *new_request(const char *url)
{
    CURL *curl = curl_easy_init();
    if (curl == NULL) {
        abort();
    }
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "fetchmedia/" FM_VERSION);
    if (is_loopback(url)) {
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    }
    return curl;
}

/* A CURLOPT_WRITEFUNCTION; returning 0 makes curl abandon a body that is too long. */
static size_t append_body(char *bytes, size_t size, size_t count, void *context)
{
    struct fm_text *body = context;
    size_t length = size * count;
    if (length > ANSWER_LIMIT - body->length) {
        return 0;
    }
    fm_text_append_bytes(body, bytes, length);
    return length;
}

/* Reports the failure with the URL's scheme and host only: a path or query may hold a signature. */
static bool fail_transport(CURLcode code, const char *url, struct fm_error *err)
{
    const char *scheme = strstr(url, "://");
    const char *host = scheme == NULL ? url : scheme + 3;
    return fm_fail(err, FM_UNAVAILABLE, "%.*s: %s", (int)(host - url) + (int)strcspn(host, "/?#"),
                   url, curl_easy_strerror(code));
}

/* SIGPIPE is ignored during the request: TLS may write into a closed connection, which must be an
 * error and not end this process. It is restored because child processes inherit an ignored signal.
 */
static CURLcode perform_request(CURL *curl)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sigaction(SIGPIPE, &ignore, &before);
    CURLcode code = curl_easy_perform(curl);
    sigaction(SIGPIPE, &before, NULL);
    return code;
}

static struct curl_slist *add_header(struct curl_slist *headers, const char *name,
                                     const char *value)
{
    FM_AUTO(fm_text_done) struct fm_text line = {0};
    fm_text_format(&line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(headers, fm_text_get(&line));
    if (longer == NULL) {
        abort();
    }
    return longer;
}

static void set_method(CURL *curl, const char *method, const char *body)
{
    if (body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)strlen(body));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    } else if (strcmp(method, "POST") == 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, 0L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

static void read_answer(CURL *curl, struct fm_client_answer *answer)
{
    curl_off_t seconds = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds);
    answer->retry_after_seconds = seconds > 0 && seconds < 86400 ? (unsigned)seconds : 0;
    struct fm_slice body = {fm_text_get(&answer->body), answer->body.length};
    if (!fm_json_parse(body, &answer->json, NULL)) {
        answer->json = NULL;
    }
}

/* A request with the key whose body goes to `answer`. The caller frees *headers and the handle. */
static CURL *new_call(const struct fm_client *client, const char *url, const char *content_type,
                      struct curl_slist **headers, struct fm_client_answer *answer)
{
    FM_AUTO(fm_text_done) struct fm_text bearer = {0};
    fm_text_format(&bearer, "Bearer %s", client->api_key);
    *answer = (struct fm_client_answer){0};
    CURL *curl = new_request(url);
    *headers = add_header(NULL, "Authorization", fm_text_get(&bearer));
    *headers = add_header(*headers, "Content-Type", content_type);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, *headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer->body);
    return curl;
}

bool fm_client_call(const struct fm_client *client, const char *method, const char *path,
                    const char *body, struct fm_client_answer *answer, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    struct curl_slist *headers = NULL;
    fm_text_format(&url, "%s%s", client->base_url, path);
    CURL *curl = new_call(client, fm_text_get(&url), "application/json", &headers, answer);
    set_method(curl, method, body);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, CALL_SECONDS);
    CURLcode code = perform_request(curl);
    if (code == CURLE_OK) {
        read_answer(curl, answer);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return code == CURLE_OK || fail_transport(code, fm_text_get(&url), err);
}

/* ---- a request with a long body ---- */

struct sending {
    const struct fm_client_body *body;
    struct fm_error *err;
};

static size_t read_upload(char *out, size_t size, size_t count, void *context)
{
    struct sending *sending = context;
    size_t length = 0;
    bool is_read =
        sending->body->read(sending->body->context, out, size * count, &length, sending->err);
    return is_read ? length : CURL_READFUNC_ABORT;
}

bool fm_client_send(const struct fm_client *client, const char *path,
                    const struct fm_client_body *body, struct fm_client_answer *answer,
                    struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    struct curl_slist *headers = NULL;
    struct sending sending = {body, err};
    fm_text_format(&url, "%s%s", client->base_url, path);
    CURL *curl = new_call(client, fm_text_get(&url), body->content_type, &headers, answer);
    headers = add_header(headers, "Transfer-Encoding", "chunked"); /* the length is not known */
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_upload);
    curl_easy_setopt(curl, CURLOPT_READDATA, &sending);
    CURLcode code = perform_request(curl);
    if (code == CURLE_OK) {
        read_answer(curl, answer);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    if (code == CURLE_ABORTED_BY_CALLBACK) {
        return false; /* the reader has filled err */
    }
    return code == CURLE_OK || fail_transport(code, fm_text_get(&url), err);
}

void fm_client_answer_done(struct fm_client_answer *answer)
{
    fm_json_destroy(&answer->json);
    fm_text_done(&answer->body);
}

/* ---- refusals ---- */

static const struct {
    const char *public_code;
    enum fm_error_code code;
} codes[] = {
#define FM_ERROR(name, wire, http, code, retry, text) {code, FM_##name},
#include "common/error.def"
#undef FM_ERROR
};

/* The code for the service's public code. Several rows may share a public code; the first of them
 * counts. An unknown code, from a newer service, is judged by the HTTP status. */
static enum fm_error_code code_of(const char *public_code, long status)
{
    for (size_t i = 0; i < FM_COUNT(codes); i++) {
        if (strcmp(codes[i].public_code, public_code) == 0) {
            return codes[i].code;
        }
    }
    return status >= 500 ? FM_UNAVAILABLE : FM_INVALID_REQUEST;
}

bool fm_client_check(const struct fm_client_answer *answer, struct fm_error *err)
{
    const struct fm_json *error = fm_json_get(answer->json, "error");
    const char *message = fm_json_text(fm_json_get(error, "message"));
    const char *param = fm_json_text(fm_json_get(error, "param"));
    enum fm_error_code code = code_of(fm_json_text(fm_json_get(error, "code")), answer->status);
    if (answer->status >= 200 && answer->status < 300) {
        return answer->json != NULL || fm_fail(err, FM_PROTOCOL, "the answer is not JSON");
    }
    if (message[0] == '\0') {
        return fm_fail_param(err, code, NULL, "the service answered HTTP %ld", answer->status);
    }
    return fm_fail_param(err, code, param, "%s", message);
}

bool fm_client_get_plain(const char *base_url, const char *path, long *status, struct fm_text *body)
{
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    fm_text_format(&url, "%s%s", base_url, path);
    fm_text_clear(body);
    CURL *curl = new_request(fm_text_get(&url));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, PLAIN_SECONDS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, append_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
    CURLcode code = perform_request(curl);
    if (code == CURLE_OK) {
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    }
    curl_easy_cleanup(curl);
    return code == CURLE_OK;
}

/* ---- downloads ---- */

struct download {
    int fd;
    struct fm_error *err;
};

static size_t write_to_file(char *bytes, size_t size, size_t count, void *context)
{
    struct download *download = context;
    return fm_file_write_all(download->fd, bytes, size * count, download->err) ? size * count : 0;
}

static bool check_download(CURLcode code, long status, const char *url, struct fm_error *err)
{
    if (code == CURLE_WRITE_ERROR) {
        return false; /* write_to_file has filled err */
    }
    if (code == CURLE_HTTP_RETURNED_ERROR) {
        bool is_passing = status >= 500 || status == 429;
        return fm_fail_param(err, is_passing ? FM_UNAVAILABLE : FM_NOT_FOUND, NULL,
                             "the file could not be downloaded: HTTP %ld", status);
    }
    return code == CURLE_OK || fail_transport(code, url, err);
}

static bool perform_download(const char *url, int fd, struct fm_error *err)
{
    struct download download = {fd, err};
    long status = 0;
    CURL *curl = new_request(url);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L); /* to an object store's signed URL */
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, REDIRECT_LIMIT);
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, write_to_file);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &download);
    CURLcode code = perform_request(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(curl);
    return check_download(code, status, url, err);
}

/* Renames the complete file to `path` unless a file has appeared there. Where the file system does
 * not support RENAME_NOREPLACE (EINVAL), the check before the rename leaves a short race. */
static bool rename_complete(const char *part, const char *path, struct fm_error *err)
{
    int failure = renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_NOREPLACE) == 0 ? 0 : errno;
    if (failure == EINVAL) {
        failure = access(path, F_OK) == 0 ? EEXIST : rename(part, path) == 0 ? 0 : errno;
    }
    if (failure == EEXIST) {
        return fm_fail(err, FM_ALREADY_EXISTS, "%s: the file already exists", path);
    }
    errno = failure;
    return failure == 0 || fm_fail_errno(err, path);
}

static bool download_to(const char *url, const char *part, struct fm_error *err)
{
    FM_AUTO(fm_file_close) int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return fm_fail_errno(err, part);
    }
    return perform_download(url, fd, err) && (fsync(fd) == 0 || fm_fail_errno(err, part));
}

/* The file that the handler removes; set before the handler is installed. */
static const char *unfinished;

/* A signal handler: async-signal-safe calls only. */
static void remove_unfinished_and_exit(int number)
{
    static const char notice[] = "\nThe unfinished file was removed.\n";
    (void)number;
    unlink(unfinished);
    ssize_t put = write(STDERR_FILENO, notice, sizeof(notice) - 1);
    (void)put;
    _exit(FM_EXIT_INTERRUPTED);
}

/* Like download_to(), but Ctrl-C removes the unfinished file. */
static bool download_or_remove(const char *url, const char *part, struct fm_error *err)
{
    struct sigaction action = {.sa_handler = remove_unfinished_and_exit}, before;
    unfinished = part;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before);
    bool is_filled = download_to(url, part, err);
    sigaction(SIGINT, &before, NULL);
    return is_filled;
}

/* The file gets its name only when complete, so that an incomplete download never looks complete.
 * The process id keeps two downloads to the same path apart. */
bool fm_client_download(const char *url, const char *path, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text part = {0};
    if (access(path, F_OK) == 0) {
        return fm_fail(err, FM_ALREADY_EXISTS, "%s: the file already exists", path);
    }
    fm_text_format(&part, "%s.part-%d", path, (int)getpid());
    if (download_or_remove(url, fm_text_get(&part), err) &&
        rename_complete(fm_text_get(&part), path, err)) {
        return true;
    }
    unlink(fm_text_get(&part));
    return false;
}
