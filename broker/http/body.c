/*
 * Passes streamed bodies on to the handler's `take`, and writes replies straight into the socket
 * where MHD cannot send one: a reply in the middle of a body, 413 for a body over its limit, 414
 * for a target with more parameters than MHD can hold.
 * Before: http.c. Touches the socket and, under the lock, its connection's state. Threads: the
 * exchange's front thread.
 */
#include <microhttpd.h>
#include <string.h>
#include <sys/socket.h>

#include "broker/http/exchange.h"
#include "common/clock.h"
#include "common/memory.h"

/* MHD parses query parameters into the connection's memory, and hangs when that is full. */
#define PARAMETERS_MOST 256
/* How long a client may go on sending before it reads an early reply. */
#define DROP_MS 30000

void fm_http_judge_target(struct fm_http_connection *connection, const char *target)
{
    size_t count = 0;
    for (const char *at = target; (at = strchr(at, '&')) != NULL; at++) {
        count++;
    }
    if (count > PARAMETERS_MOST) {
        fm_http_refuse(connection->fd, FM_URI_TOO_LONG);
        connection->is_cut = true;
        shutdown(connection->fd, SHUT_RDWR);
    }
}

/* Each FM_HTTP_PACE_BYTES get a deadline of their own, like a body of that size: a client that
 * sends 16 KiB a second goes on, and one that stops is cut soon, however much it has sent. */
static void move_deadline(struct fm_http_exchange *exchange, size_t more)
{
    exchange->paced_bytes += more;
    if (exchange->is_paced && exchange->paced_bytes >= FM_HTTP_PACE_BYTES) {
        exchange->paced_bytes = 0;
        fm_http_enter(exchange, FM_HTTP_PHASE_BODY,
                      fm_http_body_deadline(exchange->http, FM_HTTP_PACE_BYTES));
    }
}

void fm_http_take(struct fm_http_exchange *exchange, struct fm_slice bytes)
{
    move_deadline(exchange, bytes.length);
    if (!exchange->take(exchange, bytes)) {
        fm_http_reply_early(exchange);
    }
}

/* The body is longer than allowed. MHD takes a response only before or after a body, so the refusal
 * goes straight into the socket. */
void fm_http_refuse_body(struct fm_http_exchange *exchange)
{
    pthread_mutex_lock(&exchange->http->lock);
    if (!exchange->connection->is_cut) {
        fm_http_refuse(exchange->connection->fd, FM_PAYLOAD_TOO_LARGE);
        exchange->connection->is_cut = true;
    }
    pthread_mutex_unlock(&exchange->http->lock);
}

static void write_head(const struct fm_http_exchange *exchange, struct fm_text *raw)
{
    fm_text_format(raw, "HTTP/1.1 %u %s\r\nConnection: close\r\n", exchange->status,
                   MHD_get_reason_phrase_for(exchange->status));
    for (size_t i = 0; i < exchange->reply_count; i++) {
        fm_text_format(raw, "%s: %s\r\n", exchange->reply_headers[i].name,
                       exchange->reply_headers[i].value);
    }
    fm_text_format(raw, "Content-Length: %zu\r\n\r\n", exchange->reply.length);
}

void fm_http_reply_early(struct fm_http_exchange *exchange)
{
    FM_AUTO(fm_text_done) struct fm_text raw = {0};
    write_head(exchange, &raw);
    if (strcmp(exchange->method, "HEAD") != 0) {
        fm_text_append_bytes(&raw, fm_text_get(&exchange->reply), exchange->reply.length);
    }
    (void)!send(exchange->connection->fd, raw.data, raw.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(exchange->connection->fd, SHUT_WR);
    exchange->sink = FM_HTTP_SINK_DROP;
    fm_http_enter(exchange, FM_HTTP_PHASE_BODY, fm_clock_ms() + DROP_MS);
}
