/*
 * Turns a request into a job's spec: nothing unchecked gets any further. Query, JSON body and form
 * body all fill the same record, by the tables of proto/spec.def; what the query and the body give
 * both must be equal. Pure; the current time is passed in.
 * Before: a request with its body. After: a complete spec, for fm_spec_write.
 */
#ifndef FM_BROKER_SPEC_VALIDATE_H
#define FM_BROKER_SPEC_VALIDATE_H

#include "common/address.h"
#include "common/memory.h"
#include "proto/spec.h"

#define FM_VALIDATE_WAIT_SECONDS 60 /* the longest ?wait= */
#define FM_VALIDATE_NO_WAIT (-1)    /* wait_seconds of a request that does not mention it */

#include "proto/record_struct.h"

#include "broker/spec/extra.def"

#include "proto/record_undef.h"

/* One POST, or one job of a batch. All of it is borrowed. */
struct fm_validate_input {
    enum fm_type type;
    const char *site;         /* named by the path or the job; NULL: detected from the URL */
    const char *query;        /* raw */
    const char *content_type; /* NULL: none */
    struct fm_slice body;
    unsigned scopes;                        /* the key's, FM_SCOPE_…; outputs need PROCESS */
    const struct fm_address_policy *policy; /* which literal addresses may be fetched from */
    int64_t now_ms;                         /* since 1970 */
};

struct fm_validate_result {
    struct fm_spec spec; /* lives in the arena */
    int wait_seconds;    /* FM_VALIDATE_NO_WAIT: not given */
    bool wants_download; /* from the query alone: reply to a finished job with its first output */
};

/* The field of the spec that clients set under this name; NULL if there is none. */
const struct fm_field *fm_validate_field(const char *name);
/* Reads the query and the body of a POST. The spec lives in the arena and in the input. Errors name
 * the parameter at fault. */
bool fm_validate_spec(const struct fm_validate_input *input, struct fm_arena *arena,
                      struct fm_validate_result *result, struct fm_error *err) FM_MUST_CHECK;
/* Reads one job of a batch from its body alone, which may name `type` and `site`. Without a type, a
 * job with a `source` is a process job, and any other a fetch. Also INSUFFICIENT_SCOPE, which for
 * other routes was checked before. */
bool fm_validate_job(const struct fm_validate_input *input, struct fm_arena *arena,
                     struct fm_validate_result *result, struct fm_error *err) FM_MUST_CHECK;
/* Reads the query of a route that takes no spec: `wait` and `download` if `may_wait`, and no other
 * parameters. Sets only these two members of the result. */
bool fm_validate_query(const char *query, bool may_wait, struct fm_validate_result *result,
                       struct fm_error *err) FM_MUST_CHECK;
/* The seconds of "wait=8" in a Prefer header (RFC 7240), at most FM_VALIDATE_WAIT_SECONDS;
 * FM_VALIDATE_NO_WAIT if the header is NULL or has no wait. */
int fm_validate_prefer(const char *prefer);

#endif
