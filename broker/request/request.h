/*
 * One request as it flows: the array of steps gate → route → auth → body → validate → act → reply.
 * Each step answers NEXT, WAIT or REPLY and is called again after a wake, so it looks at its own
 * state first. Threads: a request lives on one front thread; look-ups and events answer on others
 * and only wake it.
 */
#ifndef FM_BROKER_REQUEST_REQUEST_H
#define FM_BROKER_REQUEST_REQUEST_H

#include <stdatomic.h>

#include "broker/config/secrets.h"
#include "broker/config/settings.h"
#include "broker/db/batch_writer.h"
#include "broker/db/reader.h"
#include "broker/http/gate.h"
#include "broker/http/http.h"
#include "broker/queue/dispatch.h"
#include "broker/queue/watch.h"
#include "broker/request/route.h"
#include "broker/spec/validate.h"
#include "broker/store/signed_url.h"
#include "broker/store/store.h"
#include "common/memory.h"

/* What the front works with; all borrowed, all outlive the fm_http. */
struct fm_batch_cache;
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

/* Of commit.h: the events under way, and what became of them. */
struct fm_commit {
    atomic_uint left;
    bool is_open; /* more may be posted */
    enum fm_queue_outcome outcome;
    enum fm_error_code failure;
    enum fm_state state; /* of the last one */
    unsigned moved;      /* how many */
};

struct fm_auth_guard;
struct fm_disk_threads;
struct fm_request {
    const struct fm_front *front;
    struct fm_auth_guard *guard;
    struct fm_disk_threads *errands;
    struct fm_http_exchange *exchange;
    size_t step; /* which step runs */
    char id[FM_REQUEST_ID_SIZE];
    char *base; /* "https://media.example.org": of absolute links */

    struct fm_gate_target target;
    const struct fm_route *route;
    const char *values[FM_ROUTE_VALUES]; /* of the {…} segments, in order */
    struct fm_id job;                    /* named by the path, or made by the POST */
    struct fm_id batch;                  /* likewise */

    struct fm_validate_result asked; /* with FM_ROUTE_SPEC, or where the route waits */

    /* Of lookup.h: the look-up, or another read, under way or answered. */
    struct fm_reader_lookup look;
    struct fm_reader_query query;
    bool has_asked;
    atomic_bool is_answered;
    bool is_counting; /* of queued_limit.h */
    bool is_listing;  /* of position.h */
    struct fm_commit commit;

    /* Of the act under way. */
    unsigned stage;
    void *act;                                    /* its state, … */
    void (*act_done)(struct fm_request *request); /* … and how that ends */
    unsigned retry_after_seconds;                 /* for 429 and 503; 0: the default */
    struct fm_arena arena;
};

#endif
