/*
 * The sweep thread, and the functions that set and enforce deadlines. Ten times a second it takes
 * the server's lock and checks every connection: it ends timed waits that are over (or whose server
 * drains) and cuts connections past their deadline. Once a second it also looks for clients that
 * have left: their timed waits end, and requests whose body will never be complete are cut.
 * Before: http.c starts the thread; http.c, body.c and exchange.c set deadlines. Touches sockets
 * (poll, shutdown, and a 408 if the request was still coming) and the members of connections.
 */
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "broker/http/exchange.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/memory.h"

#define SWEEP_MS 100
#define LEFT_SWEEPS 10 /* each socket is checked for a departed client in every tenth sweep */

int64_t fm_http_after(unsigned seconds)
{
    return fm_clock_ms() + (int64_t)seconds * 1000;
}

int64_t fm_http_body_deadline(const struct fm_http *http, int64_t size_bytes)
{
    return fm_http_after(http->limits.body_s) + size_bytes / FM_HTTP_BODY_BYTES_PER_MS;
}

void fm_http_enter(struct fm_http_exchange *exchange, enum fm_http_phase phase, int64_t deadline_ms)
{
    pthread_mutex_lock(&exchange->http->lock);
    exchange->connection->phase = phase;
    exchange->connection->deadline_ms = deadline_ms;
    pthread_mutex_unlock(&exchange->http->lock);
}

void fm_http_refuse(int fd, enum fm_error_code code)
{
    const struct fm_error_row *row = fm_error_row(code);
    FM_AUTO(fm_text_done) struct fm_text body = {0}, raw = {0};
    struct fm_json_writer json = {.out = &body};
    fm_json_open(&json, NULL, '{');
    fm_json_open(&json, "error", '{');
    fm_json_put_text(&json, "code", row->public_code);
    fm_json_put_text(&json, "message", row->text);
    fm_json_close(&json, '}');
    fm_json_close(&json, '}');
    fm_text_format(&raw,
                   "HTTP/1.1 %d Refused\r\nConnection: close\r\nContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   row->http_status, body.length, fm_text_get(&body));
    (void)!send(fd, raw.data, raw.length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Under the lock: MHD closes the descriptor only after on_connection took it out of the list. */
void fm_http_cut(struct fm_http_connection *connection)
{
    bool is_arriving =
        connection->exchange != NULL &&
        (connection->phase == FM_HTTP_PHASE_HEADERS || connection->phase == FM_HTTP_PHASE_BODY);
    if (is_arriving && !connection->is_cut) {
        fm_http_refuse(connection->fd, FM_REQUEST_TIMEOUT);
    }
    connection->is_cut = true;
    connection->deadline_ms = FM_CLOCK_NEVER;
    shutdown(connection->fd, SHUT_RDWR);
}

/* MHD does not read a suspended connection, so only this check sees that its client has left. */
static bool has_left(struct fm_http_connection *connection)
{
    struct pollfd socket = {.fd = connection->fd, .events = POLLRDHUP};
    connection->has_left = poll(&socket, 1, 0) > 0;
    return connection->has_left;
}

/* True if, in two checks in a row, the client has closed its side and no bytes of its body are left
 * to read: MHD (0.9.75) may miss an end that comes with the last bytes. At the first check MHD may
 * still be about to read. */
static bool is_spent(struct fm_http_connection *connection)
{
    bool was_spent = connection->has_left;
    int unread = 0;
    connection->has_left =
        has_left(connection) && ioctl(connection->fd, FIONREAD, &unread) == 0 && unread == 0;
    return was_spent && connection->has_left;
}

static void sweep_one(struct fm_http *http, struct fm_http_connection *connection, int64_t now_ms,
                      unsigned sweep)
{
    bool is_asked = (unsigned)connection->fd % LEFT_SWEEPS == sweep % LEFT_SWEEPS;
    if (connection->is_waiting) {
        bool is_timed = connection->wait_until_ms != FM_CLOCK_NEVER;
        if (is_timed && (http->is_draining || now_ms >= connection->wait_until_ms ||
                         (is_asked && has_left(connection)))) {
            fm_http_wake(connection);
        }
    } else if (now_ms >= connection->deadline_ms ||
               (is_asked && connection->phase == FM_HTTP_PHASE_BODY && is_spent(connection))) {
        fm_http_cut(connection);
    }
}

void *fm_http_sweep(void *context)
{
    struct fm_http *http = context;
    bool is_closed = false;
    for (unsigned sweep = 0; !is_closed; sweep++) {
        struct timespec pause = {0, SWEEP_MS * 1000000L};
        nanosleep(&pause, NULL);
        int64_t now_ms = fm_clock_ms();
        pthread_mutex_lock(&http->lock);
        for (struct fm_http_connection *c = http->connections; c != NULL; c = c->next) {
            sweep_one(http, c, now_ms, sweep);
        }
        is_closed = http->is_closed;
        pthread_mutex_unlock(&http->lock);
    }
    return NULL;
}
