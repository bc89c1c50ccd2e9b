/*
 * Private to broker/http/: the server, its connections (one per socket) and exchanges (one per
 * request), and the functions that http.c, body.c, deadlines.c, head.c and listen.c share.
 * The server's `lock` guards the list of connections, their members, and the server's counts and
 * flags. `alive` and `holders` are atomic. An exchange's `connection` is read under the lock by
 * other threads; its other members belong to the front thread that runs it.
 */
#ifndef FM_BROKER_HTTP_EXCHANGE_H
#define FM_BROKER_HTTP_EXCHANGE_H

#include <pthread.h>
#include <stdatomic.h>

#include "broker/http/http.h"

#define FM_HTTP_BODY_BYTES_PER_MS 16 /* 16 KiB a second */
#define FM_HTTP_PACE_BYTES ((size_t)30000 * FM_HTTP_BODY_BYTES_PER_MS)

struct MHD_Connection;
struct MHD_Daemon;

enum fm_http_phase {
    FM_HTTP_PHASE_IDLE,
    FM_HTTP_PHASE_HEADERS,
    FM_HTTP_PHASE_BODY,
    FM_HTTP_PHASE_WORK,
    FM_HTTP_PHASE_SENDING
};

/* One socket, as the sweep sees it: small, since the sweep reads all of them ten times a second. */
struct fm_http_connection {
    struct fm_http_connection *next, *prev;
    struct fm_http_exchange *exchange; /* the one under way, or NULL */
    int64_t deadline_ms;
    int64_t waits_since_ms, wait_until_ms;
    enum fm_http_phase phase;
    int fd;
    bool is_waiting;
    bool has_left; /* its client has closed its side, as the sweep saw it */
    bool is_cut;
};

enum fm_http_stage {
    FM_HTTP_STAGE_NEW,  /* the request line is complete */
    FM_HTTP_STAGE_HEAD, /* `run` is called before the body is read */
    FM_HTTP_STAGE_BODY, /* MHD reads the body */
    FM_HTTP_STAGE_ALL,  /* the whole request is received */
};

enum fm_http_sink {
    FM_HTTP_SINK_DISCARD,
    FM_HTTP_SINK_COLLECT,
    FM_HTTP_SINK_STREAM,
    FM_HTTP_SINK_DROP, /* the reply is sent: see fm_http_reply_early */
};

struct fm_http_reply_header {
    char *name, *value;
};

struct fm_http_exchange {
    struct fm_http *http;
    struct MHD_Connection *mhd;
    struct fm_http_connection *connection; /* under the lock; NULL once it has ended */
    atomic_uint holders;
    enum fm_http_stage stage;
    char *target, *method;
    struct fm_http_header *headers; /* the first FM_HTTP_HEADERS_LIMIT fields */
    size_t header_count, header_total;
    bool is_whole; /* see fm_http_is_whole */
    struct fm_address peer;
    int64_t begun_us;
    void *user;

    enum fm_http_sink sink;
    size_t limit, discarded;
    struct fm_text body;
    bool (*take)(struct fm_http_exchange *exchange, struct fm_slice bytes);
    bool is_paced; /* the deadline moves on with the bytes received */
    size_t paced_bytes;

    bool did_suspend; /* the current `run` has called fm_http_wait */

    bool has_reply, closes;
    unsigned status;
    struct fm_http_reply_header reply_headers[FM_HTTP_REPLY_HEADERS];
    size_t reply_count;
    struct fm_text reply;
    int file_fd;
    int64_t file_offset, file_length;
};

struct fm_http {
    struct MHD_Daemon *daemon;
    struct fm_http_handler handler;
    struct fm_http_limits limits;
    int listen_fd;
    bool parses_in_place; /* a library version whose heads head.c must and can check */
    uint16_t port;
    pthread_t sweeper;
    pthread_mutex_t lock;
    struct fm_http_connection *connections;
    size_t open;         /* number of connections */
    atomic_size_t alive; /* exchanges in memory, including those that are only held */
    size_t begun;        /* exchanges between their head and their end */
    bool is_draining;    /* nothing is accepted, timed waits end */
    bool is_closing;     /* new requests are refused */
    bool is_closed;      /* the sweep ends */
};

/* True if a head parsed in place holds the reported fields and nothing else. */
bool fm_http_is_head_whole(const struct fm_http_exchange *exchange, const char *url,
                           const char *version);
/* Under the lock, from deadlines.c: resumes its exchange if that waits. */
void fm_http_wake(struct fm_http_connection *connection);
/* Sets the phase its deadline holds for. */
void fm_http_enter(struct fm_http_exchange *exchange, enum fm_http_phase phase,
                   int64_t deadline_ms);
int64_t fm_http_body_deadline(const struct fm_http *http, int64_t size_bytes);
/* The body's size by the request's Content-Length, at most `limit`; a chunked body counts as
 * `limit`. */
size_t fm_http_expected(const struct fm_http_exchange *exchange, size_t limit);
/* fm_clock_ms in `seconds` seconds. */
int64_t fm_http_after(unsigned seconds);
/* Writes an error reply straight into the socket, where MHD cannot send one; the caller ends the
 * connection. */
void fm_http_refuse(int fd, enum fm_error_code code);
/* Under the lock: refuses a target that MHD must not parse, and cuts its connection. */
void fm_http_judge_target(struct fm_http_connection *connection, const char *target);
/* Passes the next bytes of a stream to `take`, and moves a paced deadline on. */
void fm_http_take(struct fm_http_exchange *exchange, struct fm_slice bytes);
/* Ends a connection whose body is too long. */
void fm_http_refuse_body(struct fm_http_exchange *exchange);
/* Writes the reply straight into the socket in the middle of a body, which MHD cannot do. The
 * connection stays open for a while: a client that is cut off while sending never reads the
 * reply. */
void fm_http_reply_early(struct fm_http_exchange *exchange);
/* Ends a connection, with 408 if its request was still coming. Under the lock. */
void fm_http_cut(struct fm_http_connection *connection);
/* A bound, listening socket. */
bool fm_http_listen(const char *listen_text, int *fd, uint16_t *bound_port,
                    struct fm_error *err) FM_MUST_CHECK;
/* The sweep's thread. */
void *fm_http_sweep(void *http);

#endif
