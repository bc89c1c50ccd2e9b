/*
 * Finds the act that a method and a path stand for. The table of routes is handed in from the room
 * above (api/route.def); the same rows make /openapi.json and docs/api.md, so a column left out of
 * a row is neither done nor described.
 * Before: a request through the gate. After: its row, and the values of its path. Pure.
 */
#ifndef FM_BROKER_REQUEST_ROUTE_H
#define FM_BROKER_REQUEST_ROUTE_H

#include "broker/http/gate.h"
#include "common/error.h"
#include "common/scope.h"

#define FM_ROUTE_VALUES 4     /* {…} segments of a path, at most */
#define FM_ROUTE_STATUSES 5   /* with the entry that ends the list */
#define FM_ROUTE_ERRORS 16    /* with the FM_NONE that ends the list */
#define FM_ROUTE_BODY 262144u /* bytes of a JSON body that is held in memory */

#define FM_ROUTE_PUBLIC 1u   /* needs no key; the log shows the pattern, not the path */
#define FM_ROUTE_JOB 2u      /* its first {…} names a job of the key's account, else 404 */
#define FM_ROUTE_SPEC 4u     /* its query and body are a job's spec, of `type` */
#define FM_ROUTE_STREAM 8u   /* its act receives the body in parts, as they arrive */
#define FM_ROUTE_HIDDEN 16u  /* left out of OpenAPI: for our own workers */
#define FM_ROUTE_COUNTS 32u  /* its lookup also counts the account's jobs */
#define FM_ROUTE_LIST 64u    /* replies with a page of `reply` objects: broker/request/page.h */
#define FM_ROUTE_SCOPED 128u /* its act itself checks the scopes that creating the jobs takes */

struct fm_request;
/* What a step of a request returns. */
enum fm_step {
    FM_STEP_NEXT,  /* go on with the next step */
    FM_STEP_WAIT,  /* suspended: the same step runs again once the request is woken */
    FM_STEP_REPLY, /* a reply is set; the request is over */
};

/* A status that a route replies with, and its meaning for the description. */
struct fm_route_status {
    unsigned status; /* 0 ends the list */
    const char *prose;
};

/* One row of route.def; a column that is left out is 0, false or NULL. */
struct fm_route {
    const char *name; /* in metrics and as OpenAPI's operationId */
    enum fm_step (*act)(struct fm_request *request);
    const char *method, *pattern, *summary;

    /* Who may use it. */
    unsigned scope; /* FM_SCOPE_…, OR'ed: the key must have all of them; 0: any key will do */
    bool
        takes_login; /* a person who is logged in may use it without a key, within the same account.
                        There is no login yet: the column is for it, and decides nothing today. */
    unsigned flags;  /* FM_ROUTE_…, OR'ed */

    /* The request it takes. */
    unsigned type;                 /* enum fm_type, with FM_ROUTE_SPEC */
    const struct fm_record *query; /* its query parameters. wait_query is read before the act; any
                                      other record is read by the act, with fm_list_filter_read().
                                      NULL: no parameters, except a spec's own members */
    const char *body;              /* a schema of openapi_schema.c; NULL: a body is not read */
    const char *lines; /* where the body may be application/x-ndjson: what a line holds; or NULL */
    size_t body_limit; /* bytes; 0: no body is accepted */

    /* The replies it gives. */
    const struct fm_reply_record *reply; /* of each status that has a body; NULL: no JSON record */
    const char *media;                   /* without `reply`: the body's media type */
    struct fm_route_status statuses[FM_ROUTE_STATUSES];
    enum fm_error_code errors[FM_ROUTE_ERRORS]; /* those of the act itself, ended by FM_NONE; the
                                                   earlier steps' follow from the other columns */
};

/* The routes of a listener, in the order in which they are tried. */
struct fm_route_table {
    const struct fm_route *rows;
    size_t count;
};

/* HEAD finds GET's row. Fills `values` with the {…} segments, borrowed from the target. NOT_FOUND,
 * or METHOD_NOT_ALLOWED with `allow` filled with the methods that the path has. */
bool fm_route_find(const struct fm_route_table *table, const char *method,
                   const struct fm_gate_target *target, const struct fm_route **route,
                   const char *values[FM_ROUTE_VALUES], struct fm_text *allow,
                   struct fm_error *err) FM_MUST_CHECK;
/* True if the route takes ?wait= and ?download=. */
bool fm_route_waits(const struct fm_route *route);
/* True for a method that HTTP has and that is not refused everywhere, as TRACE is. */
bool fm_route_is_method(const char *method);
/* Appends these methods in the form of the header Allow. */
void fm_route_list_methods(struct fm_text *out);

#endif
