/*
 * The only door to libmicrohttpd: an epoll thread pool that turns bytes into exchanges. An exchange
 * is one request and its reply. The handler's `run` is called on a front thread once the headers
 * are there, again when the body it asked for is complete, and again after each resume, until it
 * has set a reply. Every deadline is absolute and held by a sweep of our own (docs/security.md,
 * "The HTTP gate"). May not: know a route, a key or a job.
 *
 * Waiting: call fm_http_wait first, then start what will call fm_http_resume (from any thread). One
 * without a time ends by that one resume alone: once awake, the connection may break and `end` come
 * before `run`, so nobody may still be at work for it. All others nudge. Steps look at their own
 * state. Whoever keeps an exchange beyond the call that gave it holds it.
 */
#ifndef FM_BROKER_HTTP_HTTP_H
#define FM_BROKER_HTTP_HTTP_H

#include "common/address.h"
#include "common/error.h"
#include "common/text.h"

struct fm_http;
struct fm_http_exchange;

#define FM_HTTP_HEADERS_LIMIT 64 /* fields kept; the count goes on */
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
    /* The reply left, or the connection broke: the exchange's last call. */
    void (*end)(struct fm_http_exchange *exchange);
    void (*closed)(void *context); /* after all of it; may be NULL */
};

/* Absolute, in seconds. */
struct fm_http_limits {
    unsigned head_s;    /* from accept, or a kept connection's first byte, to the head's end */
    unsigned body_s;    /* and a second for each 16 KiB */
    unsigned idle_s;    /* of a kept connection */
    unsigned request_s; /* from its last byte to the answer, and again to the answer's end; waits
                           and files apart */
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
/* Accepts no more and ends waits for time; what is under way goes on, and a connection that stands
 * may send one more request. */
void fm_http_drain(struct fm_http *http);
bool fm_http_is_draining(struct fm_http *http);
/* Requests between their head and their end; connections open. */
size_t fm_http_busy(struct fm_http *http);
size_t fm_http_connections(struct fm_http *http);
/* Drains for two seconds, or not at all where fm_http_drain was called before; cuts the rest; lets
 * every exchange end (so reader and dispatch must still live), joins. Null-safe. */
void fm_http_close(struct fm_http **http);
uint16_t fm_http_port(const struct fm_http *http);

/* ---- the request; borrowed while the exchange lives ---- */
void *fm_http_context(const struct fm_http_exchange *exchange);
/* What the handler keeps with the exchange. */
void fm_http_set_user(struct fm_http_exchange *exchange, void *user);
void *fm_http_user(const struct fm_http_exchange *exchange);
const char *fm_http_method(const struct fm_http_exchange *exchange);
/* As it came: never decoded, with the query. */
const char *fm_http_target(const struct fm_http_exchange *exchange);
/* The first FM_HTTP_HEADERS_LIMIT of *total fields. */
const struct fm_http_header *fm_http_headers(const struct fm_http_exchange *exchange, size_t *count,
                                             size_t *total);
/* False if the head held what the fields do not tell: a NUL, a folded line, a bare LF, … */
bool fm_http_is_whole(const struct fm_http_exchange *exchange);
/* The first field of that name, in any case, or NULL. */
const char *fm_http_find(const struct fm_http_exchange *exchange, const char *name);
/* The last one. */
const char *fm_http_find_last(const struct fm_http_exchange *exchange, const char *name);
const struct fm_address *fm_http_peer(const struct fm_http_exchange *exchange);
/* Since its headers were complete. */
int64_t fm_http_age_us(const struct fm_http_exchange *exchange);
int64_t fm_http_age_ms(const struct fm_http_exchange *exchange);

/* ---- the body ---- */
/* True once the body, if any, has been read or discarded. */
bool fm_http_is_received(const struct fm_http_exchange *exchange);
/* Collect up to `limit` bytes; answer WAIT and be called again when complete. Beyond the limit the
 * client gets 413 and the connection ends. */
void fm_http_collect(struct fm_http_exchange *exchange, size_t limit);
/* Hand the bytes on as they come. `size_bytes` is what the deadline is reckoned from; below 0: from
 * what comes, a part at a time. False from `take` ends that: the reply it has set is sent at
 * once, and what still comes is dropped for a while. */
void fm_http_stream(struct fm_http_exchange *exchange, int64_t size_bytes,
                    bool (*take)(struct fm_http_exchange *exchange, struct fm_slice bytes));
struct fm_slice fm_http_body(const struct fm_http_exchange *exchange);

/* ---- waiting ---- */
/* Suspends until fm_http_resume or, at the latest, `until_ms` (fm_clock_ms; FM_CLOCK_NEVER). */
void fm_http_wait(struct fm_http_exchange *exchange, int64_t until_ms);
/* From any thread, by who promised it; nothing happens when it does not wait. */
void fm_http_resume(struct fm_http_exchange *exchange);
/* The same for who promised nothing: a wait without a time goes on. */
void fm_http_nudge(struct fm_http_exchange *exchange);
void fm_http_hold(struct fm_http_exchange *exchange);
void fm_http_release(struct fm_http_exchange *exchange);
/* True while draining: waits end early. */
bool fm_http_is_closing(const struct fm_http_exchange *exchange);
/* True once a client that waited has closed its side: that ends its wait for time within a second.
 */
bool fm_http_has_left(const struct fm_http_exchange *exchange);

/* ---- the reply ---- */
/* Copied; replaces a header of the same name. Beyond FM_HTTP_REPLY_HEADERS: dropped. */
void fm_http_header(struct fm_http_exchange *exchange, const char *name, const char *value);
/* Ends the connection after the reply. */
void fm_http_close_after(struct fm_http_exchange *exchange);
/* Takes the body's memory. */
void fm_http_reply(struct fm_http_exchange *exchange, unsigned status, struct fm_text *body);
/* Takes the descriptor; `length` bytes from `offset`. */
void fm_http_reply_file(struct fm_http_exchange *exchange, unsigned status, int fd, int64_t offset,
                        int64_t length);
unsigned fm_http_status(const struct fm_http_exchange *exchange);

#endif
