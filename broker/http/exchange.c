/*
 * The calls of http.h by which a handler reads a request, asks for its body and sets the reply; and
 * the count of an exchange's holders. Touches no socket and does not call MHD: http.c and body.c
 * send what is set here. (exchange.h is the private header of all of broker/http/.)
 * Before: request/, api/ and operator/scrape.c. Threads: the exchange's front thread; hold and
 * release: any.
 */
#include "broker/http/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/memory.h"

void fm_http_hold(struct fm_http_exchange *exchange)
{
    atomic_fetch_add(&exchange->holders, 1);
}

void fm_http_release(struct fm_http_exchange *exchange)
{
    if (atomic_fetch_sub(&exchange->holders, 1) > 1) {
        return;
    }
    for (size_t i = 0; i < exchange->reply_count; i++) {
        free(exchange->reply_headers[i].name);
        free(exchange->reply_headers[i].value);
    }
    fm_file_close(&exchange->file_fd);
    fm_text_done(&exchange->body);
    fm_text_done(&exchange->reply);
    free(exchange->headers);
    free(exchange->target);
    free(exchange->method);
    struct fm_http *http = exchange->http;
    free(exchange);
    atomic_fetch_sub(&http->alive, 1);
}

void *fm_http_context(const struct fm_http_exchange *exchange)
{
    return exchange->http->handler.context;
}

void fm_http_set_user(struct fm_http_exchange *exchange, void *user)
{
    exchange->user = user;
}

void *fm_http_user(const struct fm_http_exchange *exchange)
{
    return exchange->user;
}

const char *fm_http_method(const struct fm_http_exchange *exchange)
{
    return exchange->method;
}

const char *fm_http_target(const struct fm_http_exchange *exchange)
{
    return exchange->target;
}

const struct fm_http_header *fm_http_headers(const struct fm_http_exchange *exchange, size_t *count,
                                             size_t *total)
{
    *count = exchange->header_count;
    *total = exchange->header_total;
    return exchange->headers;
}

bool fm_http_is_whole(const struct fm_http_exchange *exchange)
{
    return exchange->is_whole;
}

static bool is_named(const struct fm_http_header *header, const char *name)
{
    return header->name.length == strlen(name) &&
           strncasecmp(header->name.data, name, header->name.length) == 0;
}

const char *fm_http_find(const struct fm_http_exchange *exchange, const char *name)
{
    for (size_t i = 0; i < exchange->header_count; i++) {
        if (is_named(&exchange->headers[i], name)) {
            return exchange->headers[i].value.data;
        }
    }
    return NULL;
}

const char *fm_http_find_last(const struct fm_http_exchange *exchange, const char *name)
{
    for (size_t i = exchange->header_count; i > 0; i--) {
        if (is_named(&exchange->headers[i - 1], name)) {
            return exchange->headers[i - 1].value.data;
        }
    }
    return NULL;
}

const struct fm_address *fm_http_peer(const struct fm_http_exchange *exchange)
{
    return &exchange->peer;
}

int64_t fm_http_age_us(const struct fm_http_exchange *exchange)
{
    return fm_clock_us() - exchange->begun_us;
}

int64_t fm_http_age_ms(const struct fm_http_exchange *exchange)
{
    return fm_http_age_us(exchange) / 1000;
}

bool fm_http_is_received(const struct fm_http_exchange *exchange)
{
    return exchange->stage == FM_HTTP_STAGE_ALL;
}

bool fm_http_is_closing(const struct fm_http_exchange *exchange)
{
    return fm_http_is_draining(exchange->http);
}

bool fm_http_has_left(const struct fm_http_exchange *exchange)
{
    pthread_mutex_lock(&exchange->http->lock);
    bool has = exchange->connection != NULL && exchange->connection->has_left;
    pthread_mutex_unlock(&exchange->http->lock);
    return has;
}

void fm_http_collect(struct fm_http_exchange *exchange, size_t limit)
{
    exchange->sink = FM_HTTP_SINK_COLLECT;
    exchange->limit = limit;
    size_t expected = fm_http_expected(exchange, limit);
    fm_http_enter(exchange, FM_HTTP_PHASE_BODY,
                  fm_http_body_deadline(exchange->http, (int64_t)expected));
}

void fm_http_stream(struct fm_http_exchange *exchange, int64_t size_bytes,
                    bool (*take)(struct fm_http_exchange *exchange, struct fm_slice bytes))
{
    exchange->sink = FM_HTTP_SINK_STREAM;
    exchange->take = take;
    exchange->is_paced = size_bytes < 0;
    fm_http_enter(exchange, FM_HTTP_PHASE_BODY,
                  fm_http_body_deadline(
                      exchange->http, size_bytes >= 0 ? size_bytes : (int64_t)FM_HTTP_PACE_BYTES));
}

struct fm_slice fm_http_body(const struct fm_http_exchange *exchange)
{
    return (struct fm_slice){fm_text_get(&exchange->body), exchange->body.length};
}

void fm_http_header(struct fm_http_exchange *exchange, const char *name, const char *value)
{
    for (size_t i = 0; i < exchange->reply_count; i++) {
        struct fm_http_reply_header *header = &exchange->reply_headers[i];
        if (strcasecmp(header->name, name) == 0) {
            free(header->value);
            header->value = fm_strdup(value);
            return;
        }
    }
    if (exchange->reply_count < FM_HTTP_REPLY_HEADERS) {
        exchange->reply_headers[exchange->reply_count++] =
            (struct fm_http_reply_header){fm_strdup(name), fm_strdup(value)};
    }
}

void fm_http_close_after(struct fm_http_exchange *exchange)
{
    exchange->closes = true;
}

void fm_http_reply(struct fm_http_exchange *exchange, unsigned status, struct fm_text *body)
{
    exchange->has_reply = true;
    exchange->status = status;
    fm_text_done(&exchange->reply);
    exchange->reply = *body;
    *body = (struct fm_text){0};
}

void fm_http_reply_file(struct fm_http_exchange *exchange, unsigned status, int fd, int64_t offset,
                        int64_t length)
{
    exchange->has_reply = true;
    exchange->status = status;
    fm_file_close(&exchange->file_fd);
    exchange->file_fd = fd;
    exchange->file_offset = offset;
    exchange->file_length = length;
}

unsigned fm_http_status(const struct fm_http_exchange *exchange)
{
    return exchange->status;
}
