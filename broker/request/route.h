/*
 * Which act a method and a path mean. The table is handed in from above; the same rows make
 * /openapi.json.
 */
#ifndef FM_BROKER_REQUEST_ROUTE_H
#define FM_BROKER_REQUEST_ROUTE_H

#include "broker/http/gate.h"
#include "common/error.h"
#include "common/scope.h"

#define FM_ROUTE_VALUES 4

#define FM_ROUTE_PUBLIC 1u  /* no key */
#define FM_ROUTE_JOB 2u     /* its first {…} names a job of the key's account, else 404 */
#define FM_ROUTE_WAITS 4u   /* takes ?wait= */
#define FM_ROUTE_SPEC 8u    /* its query and body are a job's spec */
#define FM_ROUTE_STREAM 16u /* its act takes the body as it comes */
#define FM_ROUTE_HIDDEN 32u /* not in OpenAPI, not for other machines */
#define FM_ROUTE_COUNTS 64u /* its look-up counts the account's jobs */
#define FM_ROUTE_LIST 128u  /* its query is a filter or a page: its act reads it */
#define FM_ROUTE_BATCH 256u /* it answers with a batch */

struct fm_request;
enum fm_step {
    FM_STEP_NEXT,
    FM_STEP_WAIT,  /* woken later: the same step runs again */
    FM_STEP_REPLY, /* a reply is set */
};

struct fm_route {
    const char *name, *method, *pattern;
    unsigned scope; /* FM_SCOPE_…; 0: any key */
    size_t body_limit;
    unsigned flags;
    unsigned type; /* enum fm_type, with FM_ROUTE_SPEC */
    enum fm_step (*act)(struct fm_request *request);
    const char *summary;
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

#endif
