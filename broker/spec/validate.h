/*
 * Text → spec, by table: nothing unchecked travels. Query, JSON and form bodies end in the same
 * record; what they say together must not contradict itself. Pure but for the clock handed in.
 * Before: a request with its body. After: a spec that fm_spec_write takes.
 */
#ifndef FM_BROKER_SPEC_VALIDATE_H
#define FM_BROKER_SPEC_VALIDATE_H

#include "common/address.h"
#include "common/memory.h"
#include "proto/spec.h"

#define FM_VALIDATE_WAIT_SECONDS 60
#define FM_VALIDATE_NO_WAIT (-1)

/* What one POST said. */
struct fm_validate_input {
    enum fm_type type;
    const char *site;         /* of the path; NULL: detected */
    const char *query;        /* raw */
    const char *content_type; /* NULL: none */
    struct fm_slice body;
    unsigned scopes; /* of the key, FM_SCOPE_…: outputs need PROCESS */
    const struct fm_address_policy *policy;
    int64_t now_ms; /* wall clock */
};

struct fm_validate_result {
    struct fm_spec spec; /* lives in the arena */
    int wait_seconds;    /* FM_VALIDATE_NO_WAIT: not asked for */
    bool wants_download; /* of the query alone: a finished job is answered by its first output */
};

bool fm_validate_spec(const struct fm_validate_input *input, struct fm_arena *arena,
                      struct fm_validate_result *result, struct fm_error *err) FM_MUST_CHECK;
/* One job of a batch: its body alone, which may name `type` and `site`; without a type, one with a
 * `source` is a process job, any other a fetch. Also INSUFFICIENT_SCOPE. */
bool fm_validate_job(const struct fm_validate_input *input, struct fm_arena *arena,
                     struct fm_validate_result *result, struct fm_error *err) FM_MUST_CHECK;
/* Of routes that take no spec: `wait` and `download` where they may stand, and nothing else; sets
 * these two. */
bool fm_validate_query(const char *query, bool may_wait, struct fm_validate_result *result,
                       struct fm_error *err) FM_MUST_CHECK;
/* "wait=8" of a Prefer header (RFC 7240), cut to the limit; FM_VALIDATE_NO_WAIT without one. */
int fm_validate_prefer(const char *prefer);

#endif
