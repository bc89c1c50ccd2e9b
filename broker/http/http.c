/*
 * The server's core: MHD's callbacks, the waits, opening and closing. MHD calls on_access for a
 * request's head, for each part of its body, at its end, and after each resume; `advance` turns
 * these calls into calls of the handler's `run` and, once a reply is set, into MHD's response.
 * Deadlines are enforced by our own sweep (deadlines.c), because MHD times only inactivity: a byte
 * every two seconds would hold a request open for good. File downloads alone are left to MHD's
 * timeout. The lock guards phases, waits and counts. No deadline or sweep ends a wait without a
 * time, since other threads may still write into the request; fm_http_close shuts its socket, but
 * still waits for its resume.
 */
#include "broker/http/exchange.h"

#include <microhttpd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/json.h"
#include "common/log.h"
#include "common/memory.h"

#define DISCARD_LIMIT ((size_t)1024 * 1024) /* bytes read and dropped of an unwanted body */
/* Room for a head of 8 + 16 KiB with 64 fields and for the reply's head, so that the gate's limits
 * are reached before MHD's. MHD (0.9.75) maps pools above 32 KiB, so unused pages cost nothing. */
#define CONNECTION_MEMORY ((size_t)36 * 1024)
#define KEPT_MOST 2048   /* with more open connections, none is kept: each would hold its memory */
#define INACTIVITY_S 75u /* ends a file download whose client has stopped reading */
#define CLOSE_MS 2000    /* for requests under way when the server closes */

/* ---- sockets and exchanges come and go ---- */

static struct fm_http_connection *connection_new(const struct fm_http *http,
                                                 struct MHD_Connection *mhd)
{
    struct fm_http_connection *connection = fm_alloc(sizeof(*connection));
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    connection->phase = FM_HTTP_PHASE_HEADERS;
    connection->deadline_ms = fm_http_after(http->limits.head_s);
    return connection;
}

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct fm_http *http = context;
    struct fm_http_connection *connection = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection = connection_new(http, mhd);
        *socket_context = connection;
    }
    pthread_mutex_lock(&http->lock);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        connection->next = http->connections;
        if (connection->next != NULL) {
            connection->next->prev = connection;
        }
        http->connections = connection;
        http->open++;
    } else {
        http->open--;
        *(connection->prev != NULL ? &connection->prev->next : &http->connections) =
            connection->next;
        if (connection->next != NULL) {
            connection->next->prev = connection->prev;
        }
    }
    pthread_mutex_unlock(&http->lock);
    if (code != MHD_CONNECTION_NOTIFY_STARTED) {
        free(connection);
        *socket_context = NULL;
    }
}

/* Turns off MHD's decoding: the gate decodes the path, once. */
static size_t leave_escaped(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text);
}

/* The request line is complete. Only here does MHD pass the target as received. */
static void *on_target(void *context, const char *uri, struct MHD_Connection *mhd)
{
    struct fm_http *http = context;
    struct fm_http_exchange *exchange = fm_alloc(sizeof(*exchange));
    exchange->http = http;
    exchange->mhd = mhd;
    exchange->connection =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    exchange->holders = 1;
    atomic_fetch_add(&http->alive, 1);
    exchange->file_fd = -1;
    exchange->target = fm_strdup(uri);
    pthread_mutex_lock(&http->lock);
    exchange->connection->exchange = exchange;
    if (exchange->connection->phase == FM_HTTP_PHASE_IDLE) {
        exchange->connection->phase = FM_HTTP_PHASE_HEADERS;
        exchange->connection->deadline_ms = fm_http_after(http->limits.head_s);
    }
    fm_http_judge_target(exchange->connection, uri);
    pthread_mutex_unlock(&http->lock);
    return exchange;
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **state,
                         enum MHD_RequestTerminationCode code)
{
    struct fm_http *http = context;
    struct fm_http_exchange *exchange = *state;
    (void)mhd;
    (void)code;
    if (exchange == NULL) {
        return;
    }
    bool had_begun = exchange->stage != FM_HTTP_STAGE_NEW;
    if (had_begun) {
        http->handler.end(exchange);
    }
    pthread_mutex_lock(&http->lock);
    struct fm_http_connection *connection = fm_steal(exchange->connection);
    connection->exchange = NULL;
    connection->is_waiting = false;
    connection->phase = FM_HTTP_PHASE_IDLE;
    connection->deadline_ms = fm_http_after(http->limits.idle_s);
    http->begun -= had_begun ? 1 : 0;
    pthread_mutex_unlock(&http->lock);
    fm_http_release(exchange);
    *state = NULL;
}

/* ---- a request's bytes ---- */

static enum MHD_Result keep_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t name_size, const char *value, size_t value_size)
{
    struct fm_http_exchange *exchange = context;
    (void)kind;
    if (exchange->header_count < FM_HTTP_HEADERS_LIMIT) {
        exchange->headers[exchange->header_count++] = (struct fm_http_header){
            {name != NULL ? name : "", name_size}, {value != NULL ? value : "", value_size}};
    }
    return MHD_YES;
}

static void begin(struct fm_http_exchange *exchange, const char *method, const char *url,
                  const char *version)
{
    const union MHD_ConnectionInfo *peer =
        MHD_get_connection_info(exchange->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    uint16_t port = 0;
    exchange->method = fm_strdup(method);
    exchange->begun_us = fm_clock_us();
    exchange->header_total =
        (size_t)MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, NULL, NULL);
    size_t kept = exchange->header_total < FM_HTTP_HEADERS_LIMIT ? exchange->header_total
                                                                 : FM_HTTP_HEADERS_LIMIT;
    exchange->headers = fm_alloc_array(kept, sizeof(exchange->headers[0]));
    MHD_get_connection_values_n(exchange->mhd, MHD_HEADER_KIND, keep_header, exchange);
    exchange->is_whole =
        !exchange->http->parses_in_place || fm_http_is_head_whole(exchange, url, version);
    if (peer != NULL) {
        fm_address_from_socket(peer->client_addr, &exchange->peer, &port);
    }
    exchange->stage = FM_HTTP_STAGE_HEAD;
    size_t expected = fm_http_expected(exchange, DISCARD_LIMIT);
    if (expected > 0) {
        fm_http_enter(exchange, FM_HTTP_PHASE_BODY,
                      fm_http_body_deadline(exchange->http, (int64_t)expected));
    } else {
        fm_http_enter(exchange, FM_HTTP_PHASE_WORK,
                      fm_http_after(exchange->http->limits.request_s));
    }
}

static enum MHD_Result receive_body(struct fm_http_exchange *exchange, struct fm_slice bytes)
{
    if (exchange->sink == FM_HTTP_SINK_COLLECT) {
        if (bytes.length > exchange->limit - exchange->body.length) {
            fm_http_refuse_body(exchange);
            return MHD_NO;
        }
        fm_text_append_bytes(&exchange->body, bytes.data, bytes.length);
        return MHD_YES;
    }
    if (exchange->sink == FM_HTTP_SINK_STREAM) {
        fm_http_take(exchange, bytes);
        return MHD_YES;
    }
    if (exchange->sink == FM_HTTP_SINK_DROP) {
        return MHD_YES;
    }
    exchange->discarded += bytes.length;
    if (exchange->discarded <= DISCARD_LIMIT) {
        return MHD_YES;
    }
    if (exchange->has_reply) {
        fm_http_reply_early(exchange);
        return MHD_YES;
    }
    fm_http_refuse_body(exchange);
    return MHD_NO;
}

/* ---- the reply ---- */

static struct MHD_Response *response_of(struct fm_http_exchange *exchange)
{
    if (exchange->file_fd >= 0 && exchange->file_length > 0) {
        int fd = exchange->file_fd;
        exchange->file_fd = -1;
        return MHD_create_response_from_fd_at_offset64((uint64_t)exchange->file_length, fd,
                                                       (uint64_t)exchange->file_offset);
    }
    size_t length = exchange->reply.length;
    return MHD_create_response_from_buffer(length, fm_text_take(&exchange->reply),
                                           MHD_RESPMEM_MUST_FREE);
}

/* With many connections open none is kept; reconnecting clients cost less memory. */
static bool is_kept(struct fm_http *http)
{
    pthread_mutex_lock(&http->lock);
    bool is = http->open <= KEPT_MOST && !http->is_draining;
    pthread_mutex_unlock(&http->lock);
    return is;
}

static enum MHD_Result send_reply(struct fm_http_exchange *exchange)
{
    bool is_file = exchange->file_fd >= 0;
    fm_http_enter(exchange, FM_HTTP_PHASE_SENDING,
                  is_file ? FM_CLOCK_NEVER : fm_http_after(exchange->http->limits.request_s));
    struct MHD_Response *response = response_of(exchange);
    if (response == NULL) {
        return MHD_NO;
    }
    for (size_t i = 0; i < exchange->reply_count; i++) {
        MHD_add_response_header(response, exchange->reply_headers[i].name,
                                exchange->reply_headers[i].value);
    }
    if (exchange->closes || !is_kept(exchange->http)) {
        MHD_add_response_header(response, "Connection", "close");
    }
    enum MHD_Result result = MHD_queue_response(exchange->mhd, exchange->status, response);
    MHD_destroy_response(response);
    return result;
}

/* Replies to a request whose body was not read. A small body is read and dropped, so that the reply
 * is not lost to a reset and the connection can be kept; a larger body gets its reply at once. A
 * client that sent "Expect: 100-continue" has not sent its body yet. */
static enum MHD_Result reply_unread(struct fm_http_exchange *exchange)
{
    size_t expected = fm_http_expected(exchange, SIZE_MAX);
    bool is_chunked = fm_http_find(exchange, "transfer-encoding") != NULL;
    bool is_early = exchange->closes || (expected > DISCARD_LIMIT && !is_chunked);
    bool is_file = exchange->file_fd >= 0;
    if (fm_http_find(exchange, "expect") != NULL || (is_early && (is_file || expected == 0))) {
        return send_reply(exchange);
    }
    exchange->stage = FM_HTTP_STAGE_BODY;
    exchange->sink = FM_HTTP_SINK_DISCARD;
    if (is_early) {
        fm_http_reply_early(exchange);
    }
    return MHD_YES;
}

static bool is_cut(struct fm_http_exchange *exchange)
{
    pthread_mutex_lock(&exchange->http->lock);
    bool result = exchange->connection->is_cut;
    pthread_mutex_unlock(&exchange->http->lock);
    return result;
}

/* False once the server closes: a request that begins then is refused. */
static bool may_begin(struct fm_http *http)
{
    pthread_mutex_lock(&http->lock);
    bool may = !http->is_closing;
    http->begun += may ? 1 : 0;
    pthread_mutex_unlock(&http->lock);
    return may;
}

/* Runs a request until it waits, needs its body, or has its reply. */
static enum MHD_Result advance(struct fm_http_exchange *exchange)
{
    if (is_cut(exchange) || exchange->sink == FM_HTTP_SINK_DROP) {
        return MHD_NO;
    }
    if (!exchange->has_reply) {
        exchange->did_suspend = false;
        enum fm_http_next next = exchange->http->handler.run(exchange);
        if (next == FM_HTTP_WAIT && exchange->did_suspend) {
            return MHD_YES;
        }
        if (next == FM_HTTP_WAIT) {
            bool is_body_to_come = exchange->stage == FM_HTTP_STAGE_HEAD;
            exchange->stage = FM_HTTP_STAGE_BODY;
            return is_body_to_come ? MHD_YES : MHD_NO;
        }
    }
    return exchange->stage == FM_HTTP_STAGE_HEAD ? reply_unread(exchange) : send_reply(exchange);
}

static enum MHD_Result on_access(void *context, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *bytes,
                                 size_t *length, void **state)
{
    struct fm_http_exchange *exchange = *state;
    (void)context;
    (void)mhd;
    if (*length > 0) {
        struct fm_slice part = {bytes, *length};
        *length = 0;
        return receive_body(exchange, part);
    }
    if (exchange->stage == FM_HTTP_STAGE_NEW) {
        if (!may_begin(exchange->http)) {
            return MHD_NO;
        }
        begin(exchange, method, url, version);
    } else if (exchange->stage == FM_HTTP_STAGE_BODY) {
        exchange->stage = FM_HTTP_STAGE_ALL;
        fm_http_enter(exchange, FM_HTTP_PHASE_WORK,
                      fm_http_after(exchange->http->limits.request_s));
    }
    return advance(exchange);
}

/* ---- waiting ---- */

void fm_http_wake(struct fm_http_connection *connection)
{
    if (connection != NULL && connection->is_waiting) {
        connection->is_waiting = false;
        /* The time of the wait does not count against the client's deadline. */
        if (connection->deadline_ms != FM_CLOCK_NEVER) {
            connection->deadline_ms += fm_clock_ms() - connection->waits_since_ms;
        }
        MHD_resume_connection(connection->exchange->mhd);
    }
}

void fm_http_wait(struct fm_http_exchange *exchange, int64_t until_ms)
{
    exchange->did_suspend = true;
    pthread_mutex_lock(&exchange->http->lock);
    exchange->connection->is_waiting = true;
    exchange->connection->waits_since_ms = fm_clock_ms();
    exchange->connection->wait_until_ms = until_ms;
    MHD_suspend_connection(exchange->mhd);
    pthread_mutex_unlock(&exchange->http->lock);
}

void fm_http_resume(struct fm_http_exchange *exchange)
{
    pthread_mutex_lock(&exchange->http->lock);
    fm_http_wake(exchange->connection);
    pthread_mutex_unlock(&exchange->http->lock);
}

void fm_http_nudge(struct fm_http_exchange *exchange)
{
    pthread_mutex_lock(&exchange->http->lock);
    struct fm_http_connection *connection = exchange->connection;
    if (connection != NULL && connection->wait_until_ms != FM_CLOCK_NEVER) {
        fm_http_wake(connection);
    }
    pthread_mutex_unlock(&exchange->http->lock);
}

/* ---- the listener ---- */

__attribute__((format(printf, 2, 0))) static void log_library(void *context, const char *format,
                                                              va_list arguments)
{
    char line[256];
    (void)context;
    vsnprintf(line, sizeof(line), format, arguments);
    line[strcspn(line, "\n")] = '\0';
    fm_log(FM_LOG_DEBUG, "http_library", "text=\"%s\"", line);
}

/* With MHD 0.9.75, heads are checked here; later versions, when strict, themselves refuse
 * everything that could hide a part of a head: bare LF, folded lines, NUL. */
static bool start_daemon(struct fm_http *http, const struct fm_http_options *options,
                         struct fm_error *err)
{
    struct MHD_OptionItem pool[] = {
        {options->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END,
         (intptr_t)options->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        on_access, http, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL, MHD_OPTION_LISTEN_SOCKET,
        http->listen_fd, MHD_OPTION_URI_LOG_CALLBACK, on_target, http, MHD_OPTION_UNESCAPE_CALLBACK,
        leave_escaped, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_CONNECTION_LIMIT,
        options->max_connections, MHD_OPTION_CONNECTION_TIMEOUT, INACTIVITY_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT,
        http->parses_in_place ? 0 : 1, MHD_OPTION_ARRAY, pool, MHD_OPTION_END);
    return http->daemon != NULL || fm_fail(err, FM_SYSTEM, "http: the daemon did not start");
}

bool fm_http_open(const struct fm_http_options *options, const struct fm_http_handler *handler,
                  struct fm_http **out, struct fm_error *err)
{
    struct fm_http *http = fm_alloc(sizeof(*http));
    http->handler = *handler;
    http->limits = options->limits;
    http->listen_fd = -1;
    http->parses_in_place = strcmp(MHD_get_version(), "0.9.75") == 0;
    pthread_mutex_init(&http->lock, NULL);
    if (!fm_http_listen(options->listen, &http->listen_fd, &http->port, err) ||
        !start_daemon(http, options, err)) {
        fm_file_close(&http->listen_fd);
        pthread_mutex_destroy(&http->lock);
        free(http);
        return false;
    }
    if (pthread_create(&http->sweeper, NULL, fm_http_sweep, http) != 0) {
        abort();
    }
    *out = http;
    return true;
}

void fm_http_drain(struct fm_http *http)
{
    if (fm_http_is_draining(http)) {
        return;
    }
    MHD_socket listener = MHD_quiesce_daemon(http->daemon);
    if (listener != MHD_INVALID_SOCKET) {
        close(listener);
    }
    pthread_mutex_lock(&http->lock);
    http->is_draining = true;
    pthread_mutex_unlock(&http->lock);
}

/* Waits until no request is under way; from `cut_at_ms` on, cuts every connection. A request that
 * waits without a time still ends only by its own resume. */
static void finish(struct fm_http *http, int64_t cut_at_ms)
{
    size_t begun = 1;
    while (begun > 0) {
        struct timespec pause = {0, 10000000L};
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&http->lock);
        begun = http->begun;
        for (struct fm_http_connection *c = http->connections; c != NULL; c = c->next) {
            if (fm_clock_ms() >= cut_at_ms && !c->is_cut) {
                fm_http_cut(c);
            }
        }
        pthread_mutex_unlock(&http->lock);
    }
}

void fm_http_close(struct fm_http **http)
{
    struct fm_http *it = fm_steal(*http);
    if (it == NULL) {
        return;
    }
    bool had_its_time = fm_http_is_draining(it);
    fm_http_drain(it);
    pthread_mutex_lock(&it->lock);
    it->is_closing = true;
    pthread_mutex_unlock(&it->lock);
    finish(it, fm_clock_ms() + (had_its_time ? 0 : CLOSE_MS));
    pthread_mutex_lock(&it->lock);
    it->is_closed = true;
    pthread_mutex_unlock(&it->lock);
    pthread_join(it->sweeper, NULL);
    MHD_stop_daemon(it->daemon);
    while (atomic_load(&it->alive) > 0) {
        sched_yield(); /* a thread is about to release its exchange */
    }
    if (it->handler.closed != NULL) {
        it->handler.closed(it->handler.context);
    }
    pthread_mutex_destroy(&it->lock);
    free(it);
}
