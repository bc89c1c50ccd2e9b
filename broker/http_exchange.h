/* What the files behind http.h share: the exchange, its socket, the listener. Private to them. */
#ifndef FM_BROKER_HTTP_EXCHANGE_H
#define FM_BROKER_HTTP_EXCHANGE_H

#include <pthread.h>
#include <stdatomic.h>

#include "broker/http.h"

#define FM_HTTP_BODY_MS 30000
#define FM_HTTP_BODY_BYTES_PER_MS 16 /* 16 KiB a second */
#define FM_HTTP_HEADERS_MS 10000
#define FM_HTTP_IDLE_MS 60000
#define FM_HTTP_REQUEST_MS 120000

struct MHD_Connection;
struct MHD_Daemon;

enum fm_http_phase {
    FM_HTTP_PHASE_IDLE,
    FM_HTTP_PHASE_HEADERS,
    FM_HTTP_PHASE_BODY,
    FM_HTTP_PHASE_WORK,
    FM_HTTP_PHASE_SENDING
};

/* One socket, as the sweep sees it. */
struct fm_http_connection {
    struct fm_http_connection *next, *prev;
    int fd;
    enum fm_http_phase phase;
    int64_t deadline_ms;
    bool is_cut;
    struct fm_http_exchange *exchange; /* the one under way, or NULL */
};

enum fm_http_stage {
    FM_HTTP_STAGE_NEW,  /* its request line is there */
    FM_HTTP_STAGE_HEAD, /* run is called before the body is read */
    FM_HTTP_STAGE_BODY, /* MHD reads the body */
    FM_HTTP_STAGE_ALL,  /* all of the request is there */
};

enum fm_http_sink { FM_HTTP_SINK_DISCARD, FM_HTTP_SINK_COLLECT, FM_HTTP_SINK_STREAM };

struct fm_http_reply_header {
    char *name, *value;
};

struct fm_http_exchange {
    struct fm_http *http;
    struct MHD_Connection *mhd;
    struct fm_http_connection *connection;
    atomic_uint holders;
    enum fm_http_stage stage;
    char *target, *method;
    struct fm_http_header headers[FM_HTTP_HEADERS_LIMIT];
    size_t header_count, header_total;
    bool is_whole; /* its head hid nothing from us */
    struct fm_address peer;
    int64_t begun_ms;
    void *user;

    enum fm_http_sink sink;
    size_t limit, discarded;
    enum fm_error_code refusal; /* what is said when there is more of it than is read */
    struct fm_text body;
    bool (*take)(struct fm_http_exchange *exchange, struct fm_slice bytes);

    bool did_suspend; /* in the run under way */
    bool is_waiting;  /* under the lock */
    int64_t wait_until_ms;

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
    int listen_fd;
    bool parses_in_place; /* the library's version whose head can be looked over */
    uint16_t port;
    pthread_t sweeper;
    pthread_mutex_t lock;
    struct fm_http_connection *connections;
    atomic_size_t alive; /* exchanges in memory: theirs who hold them too */
    size_t begun;        /* exchanges between their head and their end */
    bool is_closing;     /* new requests are refused, timed waits end */
    bool is_closed;      /* the sweep ends */
};

/* Under the lock, from http_sweep.c: resumes it if it waits. */
void fm_http_wake(struct fm_http_exchange *exchange);
/* Sets the phase its deadline holds for. */
void fm_http_enter(struct fm_http_exchange *exchange, enum fm_http_phase phase,
                   int64_t deadline_ms);
int64_t fm_http_body_deadline(int64_t size_bytes);
/* A reply where MHD can take none, straight into the socket; the connection ends after it. */
void fm_http_refuse(int fd, enum fm_error_code code);
/* Ends a connection, with 408 if its request was still coming. Under the lock. */
void fm_http_cut(struct fm_http_connection *connection);
/* A bound, listening socket. */
bool fm_http_listen(const char *listen_text, int *fd, uint16_t *bound_port,
                    struct fm_error *err) FM_MUST_CHECK;
/* The sweep's thread. */
void *fm_http_sweep(void *http);

#endif
