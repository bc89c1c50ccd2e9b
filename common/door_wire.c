/*
 * libcurl's options for a hop, and the callbacks it makes during it. The callbacks judge (address,
 * head, size, caller) and record the first error; door.c reads it from the transfer when libcurl
 * returns.
 */
#include "common/door_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/door_field.h"
#include "common/memory.h"

/* A host that drops packets silently fails after this, however far off the deadline is. */
#define CONNECT_LIMIT_MS 20000
/* Up to this many bytes of an unwanted body are read and dropped. */
#define DROPPED_LIMIT ((int64_t)64 * 1024)

/* ---- callbacks from libcurl ---- */

void fm_door_wire_end_with(struct fm_door_transfer *transfer, const struct fm_error *err)
{
    if (!transfer->has_failed) {
        transfer->failure = *err;
        transfer->has_failed = true;
    }
}

void fm_door_wire_end(struct fm_door_transfer *transfer, enum fm_error_code code, const char *why)
{
    struct fm_error err = {0};
    fm_fail(&err, code, "%s: %s", transfer->url.origin, why);
    fm_door_wire_end_with(transfer, &err);
}

/* libcurl calls this for each resolved address before it connects, so the verdict is on the very
 * address of the connection: a DNS server that answers differently the second time gains nothing.
 * The broker names the store door's origins, so their addresses are not judged. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    const struct fm_door_transfer *transfer = context;
    struct fm_address address = {0};
    uint16_t port = 0;
    if (purpose != CURLSOCKTYPE_IPCXN || !fm_address_from_socket(&to->addr, &address, &port)) {
        return CURL_SOCKET_BAD;
    }
    if (!transfer->door->is_store &&
        !fm_address_may_connect(&transfer->door->policy, &address, port)) {
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Only GET and HEAD may be repeated at another URL without the caller knowing. */
static bool may_follow(const struct fm_door_transfer *transfer)
{
    const char *method = transfer->request->method;
    bool is_safe = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    return is_safe && !transfer->door->is_store && fm_door_head_is_redirect(&transfer->head);
}

bool fm_door_wire_is_get(const struct fm_door_transfer *transfer)
{
    return strcmp(transfer->request->method, "GET") == 0;
}

/* Called when the last hop's head is complete: first on_head decides, then the status, then the
 * announced length. */
static void judge_head(struct fm_door_transfer *transfer)
{
    const struct fm_door_request *request = transfer->request;
    const struct fm_door_answer *answer = &transfer->head.answer;
    struct fm_error err = {0};
    transfer->is_judged = true;
    if (request->on_head != NULL && !request->on_head(request->context, answer, &err)) {
        fm_door_wire_end_with(transfer, &err);
        return;
    }
    if (answer->status < 200 || answer->status > 299) {
        fm_fail(&err, fm_door_head_code(&transfer->head), "%s: status %ld", transfer->url.origin,
                answer->status);
        fm_door_wire_end_with(transfer, &err);
        return;
    }
    bool has_body = strcmp(request->method, "HEAD") != 0;
    if (has_body && request->max_bytes > 0 && answer->length_bytes > request->max_bytes) {
        fm_door_wire_end(transfer, FM_SOURCE_TOO_LARGE, "the announced length exceeds the limit");
    }
}

/* Returning less than the length aborts the transfer: how a redirect is left without its body. */
static size_t receive_header(char *line, size_t size, size_t count, void *context)
{
    struct fm_door_transfer *transfer = context;
    size_t length = size * count;
    fm_door_head_parse_line(&transfer->head, line, length);
    if (transfer->head.is_refused) {
        fm_door_wire_end(transfer, FM_SOURCE_TRUNCATED,
                         "the head is too large, or its length is not valid");
    } else if (transfer->head.is_complete && !transfer->is_judged) {
        if (may_follow(transfer)) {
            transfer->is_settled = true;
        } else {
            judge_head(transfer);
        }
    }
    transfer->active_ms = fm_clock_ms();
    return transfer->has_failed || transfer->is_settled ? 0 : length;
}

static size_t receive_body(char *bytes, size_t size, size_t count, void *context)
{
    struct fm_door_transfer *transfer = context;
    const struct fm_door_request *request = transfer->request;
    const struct fm_door_answer *answer = &transfer->head.answer;
    int64_t *received = &transfer->head.answer.received_bytes;
    size_t length = size * count;
    struct fm_error err = {0};
    *received += (int64_t)length;
    if (fm_door_wire_is_get(transfer) && answer->length_bytes >= 0 &&
        *received > answer->length_bytes) {
        fm_door_wire_end(transfer, FM_SOURCE_TRUNCATED, "the body is longer than announced");
    } else if (*received > (request->max_bytes > 0 ? request->max_bytes : DROPPED_LIMIT)) {
        fm_door_wire_end(transfer, FM_SOURCE_TOO_LARGE, "the body exceeds the limit");
    } else if (request->max_bytes > 0 && request->on_body != NULL &&
               !request->on_body(request->context, bytes, length, &err)) {
        fm_door_wire_end_with(transfer, &err);
    }
    /* Set after the callback, so that a slow disk does not count as the source's stall. */
    transfer->active_ms = fm_clock_ms();
    return transfer->has_failed ? 0 : length;
}

static size_t supply_body(char *out, size_t size, size_t count, void *context)
{
    struct fm_door_transfer *transfer = context;
    const struct fm_door_request *request = transfer->request;
    int64_t left = request->body_fd < 0 ? 0 : request->body_bytes - transfer->sent_bytes;
    size_t room = size * count;
    size_t wanted = (uint64_t)left < room ? (size_t)left : room;
    if (wanted == 0) {
        return 0;
    }
    ssize_t got = pread(request->body_fd, out, wanted, transfer->sent_bytes);
    if (got <= 0) {
        struct fm_error err = {0};
        errno = got == 0 ? ENODATA : errno;
        fm_fail_errno(&err, "read the body to send");
        fm_door_wire_end_with(transfer, &err);
        return CURL_READFUNC_ABORT;
    }
    transfer->active_ms = fm_clock_ms();
    transfer->sent_bytes += got;
    return (size_t)got;
}

/* libcurl rewinds the body when a kept connection turns out to be dead. */
static int seek_body(void *context, curl_off_t offset, int origin)
{
    struct fm_door_transfer *transfer = context;
    if (origin != SEEK_SET || offset < 0) {
        return CURL_SEEKFUNC_CANTSEEK;
    }
    transfer->sent_bytes = offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- options ---- */

/* Aborts: an option that cannot be set may be one that confines the transfer. */
static void must(CURLcode code)
{
    if (code != CURLE_OK) {
        abort();
    }
}

static void add_line(struct fm_door_transfer *transfer, const char *line)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);
    if (longer == NULL) {
        abort();
    }
    transfer->headers = longer;
}

static void collect_headers(struct fm_door_transfer *transfer)
{
    const struct fm_door_request *request = transfer->request;
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    /* An empty Expect: libcurl would wait a second for "100 Continue" before it sends a body. */
    add_line(transfer, "Expect:");
    if (fm_door_wire_is_get(transfer)) {
        add_line(transfer, "Connection: close");
    }
    for (size_t i = 0; i < request->header_count; i++) {
        const struct fm_door_header *field = &request->headers[i];
        FM_AUTO(fm_text_done) struct fm_text line = {0};
        if (fm_door_field_is_own(field) ||
            (transfer->has_left && !fm_door_field_may_travel(field))) {
            continue;
        }
        /* "Name:" makes libcurl leave the field out; "Name;" makes it send an empty one. */
        bool is_empty = field->value[0] == '\0';
        fm_text_format(&line, "%s%s%s", field->name, is_empty ? ";" : ": ", field->value);
        add_line(transfer, fm_text_get(&line));
    }
}

static void set_walls(struct fm_door_transfer *transfer)
{
    CURL *easy = transfer->door->easy;
    must(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
    must(curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
    /* Proxies of the environment off: a proxy would connect where open_socket() cannot judge. */
    must(curl_easy_setopt(easy, CURLOPT_PROXY, ""));
    must(curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"));
    /* No SIGALRM in a process with threads. */
    must(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
    must(curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket));
    must(curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer));
    must(curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
    if (transfer->door->pin != NULL) {
        /* The pinned key identifies the store; the certificate that carries it is self-signed. */
        must(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L));
        must(curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L));
        must(curl_easy_setopt(easy, CURLOPT_PINNEDPUBLICKEY, transfer->door->pin));
    }
}

static void set_method(struct fm_door_transfer *transfer)
{
    CURL *easy = transfer->door->easy;
    const struct fm_door_request *request = transfer->request;
    if (fm_door_wire_is_get(transfer)) {
        /* The body is read until the server closes, so that one longer than its Content-Length is
         * noticed: libcurl would cut it there. */
        must(curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L));
        must(curl_easy_setopt(easy, CURLOPT_IGNORE_CONTENT_LENGTH, 1L));
        must(curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L));
    } else if (strcmp(request->method, "HEAD") == 0) {
        must(curl_easy_setopt(easy, CURLOPT_NOBODY, 1L));
    } else {
        curl_off_t bytes = request->body_fd < 0 ? 0 : request->body_bytes;
        must(curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L));
        must(curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method));
        must(curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, bytes));
        must(curl_easy_setopt(easy, CURLOPT_READFUNCTION, supply_body));
        must(curl_easy_setopt(easy, CURLOPT_READDATA, transfer));
        must(curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, seek_body));
        must(curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer));
    }
}

static void set_transfer(struct fm_door_transfer *transfer)
{
    CURL *easy = transfer->door->easy;
    int64_t stall_ms = transfer->request->stall_ms;
    bool is_short = stall_ms > 0 && stall_ms < CONNECT_LIMIT_MS;
    long connect_ms = is_short ? (long)stall_ms : CONNECT_LIMIT_MS;
    must(curl_easy_setopt(easy, CURLOPT_URL, transfer->url.text));
    /* Sends the bytes that fm_url_parse accepted; libcurl would remove dot segments. */
    must(curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L));
    must(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1));
    must(curl_easy_setopt(easy, CURLOPT_USERAGENT, "FetchMedia/" FM_VERSION));
    /* Asks for no content coding, and lets libcurl decode one that is sent nevertheless. */
    must(curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "identity"));
    must(curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers));
    must(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, receive_header));
    must(curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer));
    must(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, receive_body));
    must(curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer));
    must(curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 128L * 1024));
    must(curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L * 1024));
    must(curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_ms));
    /* A name look-up that hangs must not hold up a cancel. */
    must(curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L));
}

void fm_door_wire_set(struct fm_door_transfer *transfer)
{
    curl_easy_reset(transfer->door->easy);
    collect_headers(transfer);
    set_walls(transfer);
    set_method(transfer);
    set_transfer(transfer);
}
