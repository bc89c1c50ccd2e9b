/*
 * One request as it flows: the array of steps gate → route → auth → body → validate → act → reply.
 * Each step answers NEXT, WAIT or REPLY and is called again after a wake, so it looks at its own
 * state first. Threads: a request lives on one front thread; look-ups and events answer on others
 * and only wake it.
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

/* What the front works with; all borrowed, all outlive the fm_http. */
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

/* Listens on settings->listen and serves; ended by fm_http_close. The struct is copied. */
bool fm_request_open(const struct fm_front *front, struct fm_http **http,
                     struct fm_error *err) FM_MUST_CHECK;

#define FM_REQUEST_ID_SIZE 65

/* Of commit.h: the events posted, and what became of them. */
struct fm_commit {
    bool is_open; /* more may be posted */
    enum fm_queue_outcome outcome;
    enum fm_error_code failure;
    enum fm_state state; /* after the last one */
    unsigned moved;      /* how many moved a row */
};

struct fm_auth_guard;
struct fm_request {
    const struct fm_front *front;
    struct fm_auth_guard *guard;
    struct fm_thread_pool *disk_threads; /* of what may wait for a disk: fsync, rename, unlink */
    struct fm_http_exchange *exchange;
    size_t step; /* which step runs */
    char id[FM_REQUEST_ID_SIZE];
    char *base; /* "https://media.example.org": of absolute links */

    struct fm_gate_target target;
    const struct fm_route *route;
    const char *values[FM_ROUTE_VALUES]; /* of the {…} segments, in order */
    struct fm_id job;                    /* named by the path, or made by the POST */
    struct fm_id batch;                  /* likewise */

    struct fm_validate_result asked; /* with FM_ROUTE_SPEC or FM_ROUTE_WAITS */

    struct fm_suspend wait;         /* for the answer of one of the following */
    struct fm_reader_lookup lookup; /* of lookup.h: the key, and a job */
    struct fm_reader_query query;   /* of lookup.h: another statement */
    struct fm_commit commit;        /* of commit.h */
    bool has_lookup;                /* it was started */
    bool is_counting;               /* of queued_limit.h: the query counts */
    bool is_listing;                /* of position.h: the query lists */

    /* Of the act under way. */
    unsigned stage;
    void *act;                                    /* its state, … */
    void (*act_done)(struct fm_request *request); /* … and how that ends */
    unsigned retry_after_seconds;                 /* for 429 and 503; 0: the default */
    struct fm_arena arena;
};

#endif
