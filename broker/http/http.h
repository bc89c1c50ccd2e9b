/*
 * The HTTP server: turns bytes into exchanges (a request and its reply). Only broker/http/ may use
 * libmicrohttpd (MHD), and it may not know a route, an API key or a job. Calls the handler's `run`
 * on a front thread when the headers are complete, when the body it asked for is complete, and
 * after each resume, until `run` has set a reply. Every phase has an absolute deadline, except
 * waits and the sending of a file (docs/security.md, "The HTTP gate").
 * Before: request/ and operator/scrape.c, which open one server each. After: their handlers.
 * Owns: the listening socket, the connections, the front threads and one sweep thread. The rules
 * for waiting are in the section "waiting" below.
 */
#ifndef FM_BROKER_HTTP_HTTP_H
#define FM_BROKER_HTTP_HTTP_H

#include "common/address.h"
#include "common/error.h"
#include "common/text.h"

struct fm_http;
struct fm_http_exchange;

#define FM_HTTP_HEADERS_LIMIT 64 /* fields kept; further fields are only counted */
#define FM_HTTP_REPLY_HEADERS 24

struct fm_http_header {
    struct fm_slice name, value;
};

enum fm_http_next {
    FM_HTTP_WAIT,  /* after fm_http_wait, or until the body asked for is complete */
    FM_HTTP_REPLY, /* a reply is set */
};

struct fm_http_handler {
    void *context; /* fm_http_context */
    enum fm_http_next (*run)(struct fm_http_exchange *exchange);
    /* The reply was sent, or the connection broke. The last call for an exchange. */
    void (*end)(struct fm_http_exchange *exchange);
    void (*closed)(void *context); /* called last by fm_http_close; may be NULL */
};

/* Absolute, in seconds. */
struct fm_http_limits {
    unsigned head_s;    /* from accept, or a kept connection's first byte, to the head's end */
    unsigned body_s;    /* for a body, plus a second for each 16 KiB */
    unsigned idle_s;    /* between two requests of a kept connection */
    unsigned request_s; /* from the request's last byte to the reply, and again until the reply is
                           sent; waits and files do not count */
};

struct fm_http_options {
    const char *listen; /* "127.0.0.1:8080", "[::1]:8080"; port 0: any free one */
    unsigned threads;
    unsigned max_connections;
    struct fm_http_limits limits;
};

/* Binds, starts the threads. SETTING when the address is wrong or taken. The handler is copied. */
bool fm_http_open(const struct fm_http_options *options, const struct fm_http_handler *handler,
                  struct fm_http **http, struct fm_error *err) FM_MUST_CHECK;
/* Accepts no more connections and ends timed waits. Requests under way go on, and a kept connection
 * may send one more request. */
void fm_http_drain(struct fm_http *http);
bool fm_http_is_draining(struct fm_http *http);
/* The number of requests between their head and their end, and of open connections. */
size_t fm_http_busy(struct fm_http *http);
size_t fm_http_connections(struct fm_http *http);
/* Drains for two seconds, or not at all if fm_http_drain was called before; then cuts all
 * connections, waits until every exchange has ended (so reader and dispatch must still run), and
 * joins. Null-safe. */
void fm_http_close(struct fm_http **http);
uint16_t fm_http_port(const struct fm_http *http);

/* ---- the request; borrowed while the exchange lives ---- */
void *fm_http_context(const struct fm_http_exchange *exchange);
/* The handler's own pointer for this exchange; freed by the handler in `end`. */
void fm_http_set_user(struct fm_http_exchange *exchange, void *user);
void *fm_http_user(const struct fm_http_exchange *exchange);
const char *fm_http_method(const struct fm_http_exchange *exchange);
/* The request target as received: not decoded, with the query. */
const char *fm_http_target(const struct fm_http_exchange *exchange);
/* The first FM_HTTP_HEADERS_LIMIT of *total fields. */
const struct fm_http_header *fm_http_headers(const struct fm_http_exchange *exchange, size_t *count,
                                             size_t *total);
/* False if the head held bytes that the fields do not show: a NUL, a folded line, a bare LF. */
bool fm_http_is_whole(const struct fm_http_exchange *exchange);
/* The first field of that name, in any case, or NULL. */
const char *fm_http_find(const struct fm_http_exchange *exchange, const char *name);
/* The last field of that name, or NULL. */
const char *fm_http_find_last(const struct fm_http_exchange *exchange, const char *name);
const struct fm_address *fm_http_peer(const struct fm_http_exchange *exchange);
/* Time since the headers were complete. */
int64_t fm_http_age_us(const struct fm_http_exchange *exchange);
int64_t fm_http_age_ms(const struct fm_http_exchange *exchange);

/* ---- the body ---- */
/* True once the body, if any, has been read or discarded. */
bool fm_http_is_received(const struct fm_http_exchange *exchange);
/* Collects up to `limit` bytes; return FM_HTTP_WAIT, and `run` is called again when the body is
 * complete. Beyond the limit the client gets 413 and the connection ends. */
void fm_http_collect(struct fm_http_exchange *exchange, size_t limit);
/* Passes the bytes to `take` as they come. The deadline follows from `size_bytes`; if negative, it
 * moves on with the bytes received. When `take` returns false, it must have set a reply: that is
 * sent at once, and further bytes are dropped for up to 30 s. */
void fm_http_stream(struct fm_http_exchange *exchange, int64_t size_bytes,
                    bool (*take)(struct fm_http_exchange *exchange, struct fm_slice bytes));
struct fm_slice fm_http_body(const struct fm_http_exchange *exchange);

/*
 * ---- waiting ----
 * Call fm_http_wait first, and only then start the work that will call fm_http_resume, on any
 * thread. A wait without a time ends only by that resume, so until then the work may write into
 * the handler's state. After the resume it must not: the connection may break, and `end` may be
 * called without another `run`. A timed wait may end early, so `run` must check its own state.
 * Code that only has news for a waiting request calls fm_http_nudge, which ends timed waits alone.
 * Code that keeps an exchange after the call that passed it must fm_http_hold it.
 */
/* Suspends until fm_http_resume or, at the latest, `until_ms` (fm_clock_ms; FM_CLOCK_NEVER). */
void fm_http_wait(struct fm_http_exchange *exchange, int64_t until_ms);
/* Ends a wait; to be called by the work that was started for it, on any thread. Does nothing if the
 * exchange does not wait. */
void fm_http_resume(struct fm_http_exchange *exchange);
/* The same for all other callers: a wait without a time is not ended. */
void fm_http_nudge(struct fm_http_exchange *exchange);
void fm_http_hold(struct fm_http_exchange *exchange);
void fm_http_release(struct fm_http_exchange *exchange);
/* True while draining: waits end early. */
bool fm_http_is_closing(const struct fm_http_exchange *exchange);
/* True once the client of a timed wait has closed its side, which ends the wait within a second. */
bool fm_http_has_left(const struct fm_http_exchange *exchange);

/* ---- the reply ---- */
/* Copied; replaces a header of the same name. Beyond FM_HTTP_REPLY_HEADERS: dropped. */
void fm_http_header(struct fm_http_exchange *exchange, const char *name, const char *value);
/* Ends the connection after the reply. */
void fm_http_close_after(struct fm_http_exchange *exchange);
/* Sets the reply; takes ownership of the body's memory. */
void fm_http_reply(struct fm_http_exchange *exchange, unsigned status, struct fm_text *body);
/* Sets a reply of `length` bytes of a file, from `offset`; takes ownership of the descriptor. */
void fm_http_reply_file(struct fm_http_exchange *exchange, unsigned status, int fd, int64_t offset,
                        int64_t length);
unsigned fm_http_status(const struct fm_http_exchange *exchange);

#endif
