/*
 * One HTTP request from its head to its reply, as an array of steps: gate → route → auth → body →
 * validate → act. Each step returns NEXT, WAIT or REPLY. A step that returned WAIT is called again
 * after a wake, so it looks at its own state first.
 * Owns: the struct fm_request, its arena, and the act's state. Threads: a request lives on one
 * front thread; lookups and events finish on other threads, which only wake it.
 */
#ifndef FM_BROKER_REQUEST_REQUEST_H
#define FM_BROKER_REQUEST_REQUEST_H

#include "broker/db/reader.h"
#include "broker/http/gate.h"
#include "broker/queue/queue.h"
#include "broker/request/route.h"
#include "broker/request/suspend.h"
#include "broker/spec/validate.h"
#include "common/memory.h"

struct fm_batch_cache;
struct fm_batch_writer;
struct fm_broker_settings;
struct fm_dispatch;
struct fm_position;
struct fm_queued_limit;
struct fm_secrets;
struct fm_signed_url;
struct fm_store;
struct fm_watch;

/* Everything the front works with; all of it is borrowed, and must outlive the fm_http. */
struct fm_front {
    const struct fm_route_table *routes;
    const struct fm_broker_settings *settings;
    const struct fm_secrets *secrets;
    const struct fm_signed_url *signed_url;
    struct fm_store *store;
    struct fm_watch *watch;
    struct fm_reader *reader;
    struct fm_dispatch *dispatch;
    struct fm_batch_writer *batch_writer;
    struct fm_batch_cache *batches;
    struct fm_queued_limit *queued_limit;
    struct fm_position *position;
};

/* Listens on settings->listen and serves until fm_http_close. `front` is copied. */
bool fm_request_open(const struct fm_front *front, struct fm_http **http,
                     struct fm_error *err) FM_MUST_CHECK;

#define FM_REQUEST_ID_SIZE 65

/* For commit.h: the events that a request posted, and their outcome. Written on the queue thread
 * while the request is suspended. */
struct fm_commit {
    bool is_open;                  /* more events may be posted */
    enum fm_queue_outcome outcome; /* the first failure, else the last event's */
    enum fm_error_code failure;    /* with FM_QUEUE_FAILED */
    enum fm_state state;           /* of the job, after the event that `outcome` belongs to */
    unsigned moved;                /* how many events changed a row */
};

struct fm_auth_guard;
struct fm_request {
    const struct fm_front *front;
    struct fm_auth_guard *guard;
    struct fm_thread_pool *disk_threads; /* for calls that may wait for a disk: fsync, unlink */
    struct fm_http_exchange *exchange;
    size_t step; /* which step runs */
    char id[FM_REQUEST_ID_SIZE];
    char *base; /* "https://media.example.org", for absolute links; "" if the host is unknown */

    struct fm_gate_target target;
    const struct fm_route *route;
    const char *values[FM_ROUTE_VALUES]; /* the path's {…} segments, in order */
    struct fm_id job;                    /* named by the path, or created by the POST */
    struct fm_id batch;                  /* named by the path, or created by the POST */

    struct fm_validate_result asked; /* with FM_ROUTE_SPEC, or where the route waits */

    struct fm_suspend wait;         /* for the result of one of the following, one at a time */
    struct fm_reader_lookup lookup; /* for lookup.h: the key, and a job */
    struct fm_reader_query query;   /* for lookup.h: any other statement */
    struct fm_commit commit;        /* for commit.h */
    bool has_lookup;                /* a lookup was started */
    bool is_counting;               /* for queued_limit.h: `query` is its count */
    bool is_listing;                /* for position.h: `query` is its list */

    /* For the act under way. */
    unsigned stage;                               /* an enum of the act's file; 0 at first */
    void *act;                                    /* the act's own state, … */
    void (*act_done)(struct fm_request *request); /* … and what frees it when the request ends */
    unsigned retry_after_seconds;                 /* for 429 and 503; 0: the default */
    struct fm_arena arena;
};

#endif
