/*
 * Which act a method and a path mean. A listener's table of routes is handed in from above; the
 * same rows make /openapi.json and docs/api.md, so what a row leaves out is neither done nor
 * described. Pure.
 */
#ifndef FM_BROKER_REQUEST_ROUTE_H
#define FM_BROKER_REQUEST_ROUTE_H

#include "broker/http/gate.h"
#include "common/error.h"
#include "common/scope.h"

#define FM_ROUTE_VALUES 4     /* {…} segments of a path, at most */
#define FM_ROUTE_STATUSES 5   /* with the one that ends them */
#define FM_ROUTE_ERRORS 16    /* likewise */
#define FM_ROUTE_BODY 262144u /* bytes of a JSON body that is held in memory */

#define FM_ROUTE_PUBLIC 1u   /* no key */
#define FM_ROUTE_JOB 2u      /* its first {…} names a job of the key's account, else 404 */
#define FM_ROUTE_SPEC 4u     /* its query and body are a job's spec, of `type` */
#define FM_ROUTE_STREAM 8u   /* its act takes the body as it comes */
#define FM_ROUTE_HIDDEN 16u  /* not in OpenAPI, not for other machines */
#define FM_ROUTE_COUNTS 32u  /* its look-up counts the account's jobs */
#define FM_ROUTE_LIST 64u    /* it answers a page of `reply`s: broker/request/page.h */
#define FM_ROUTE_SCOPED 128u /* its act asks for the scopes that making its jobs takes, or took */

struct fm_request;
enum fm_step {
    FM_STEP_NEXT,
    FM_STEP_WAIT,  /* woken later: the same step runs again */
    FM_STEP_REPLY, /* a reply is set */
};

/* A status it answers with, and what that means. */
struct fm_route_status {
    unsigned status; /* 0 ends them */
    const char *prose;
};

/* One row: what is left out is 0, false or NULL. */
struct fm_route {
    const char *name; /* in metrics and as OpenAPI's operationId */
    enum fm_step (*act)(struct fm_request *request);
    const char *method, *pattern, *summary;

    /* Who may use it. */
    unsigned scope; /* FM_SCOPE_…, OR'ed: what the key must have; 0: any key */
    bool
        takes_login; /* a person who is logged in may use it without a key, within the same account.
                        There is no login yet: the column is for it, and decides nothing today. */
    unsigned flags;  /* FM_ROUTE_…, OR'ed */

    /* What it asks for. */
    unsigned type;                 /* enum fm_type, with FM_ROUTE_SPEC */
    const struct fm_record *query; /* its parameters. wait_query is read before the act; any other
                                      is read by the act, with fm_list_filter_read(). NULL: none may
                                      stand, but for a spec's own members */
    const char *body;              /* a schema of openapi_schema.c; NULL: a body is not read */
    const char *lines; /* what a line is where the body may be application/x-ndjson; or NULL */
    size_t body_limit; /* bytes; 0: no body is taken */

    /* What it answers. */
    const struct fm_reply_record *reply; /* of each status that has a body; NULL: no JSON record */
    const char *media;                   /* without `reply`: the body's media type */
    struct fm_route_status statuses[FM_ROUTE_STATUSES];
    enum fm_error_code errors[FM_ROUTE_ERRORS]; /* of its own act, ended by FM_NONE. Those of the
                                                   steps before it follow from the other columns */
};

/* The routes of a listener, in the order in which they are tried. */
struct fm_route_table {
    const struct fm_route *rows;
    size_t count;
};

/* HEAD finds GET's row. NOT_FOUND or METHOD_NOT_ALLOWED, which fills `allow` with the methods of
 * the path. `values` are the {…} segments. */
bool fm_route_find(const struct fm_route_table *table, const char *method,
                   const struct fm_gate_target *target, const struct fm_route **route,
                   const char *values[FM_ROUTE_VALUES], struct fm_text *allow,
                   struct fm_error *err) FM_MUST_CHECK;
/* Its query has ?wait= and ?download=. */
bool fm_route_waits(const struct fm_route *route);
/* True for a method that HTTP has and that is not refused everywhere, as TRACE is. */
bool fm_route_is_method(const char *method);
/* Appends these methods, as the header Allow has them. */
void fm_route_list_methods(struct fm_text *out);

#endif
