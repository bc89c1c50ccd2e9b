/*
 * Refuses request heads that libmicrohttpd accepts but that are unsafe (docs/security.md, "The HTTP
 * gate"): framing, Host, Authorization, sizes, path bytes, methods. The path is decoded here, once,
 * so the router may compare exact segments. Pure: no socket, no clock.
 * Before: http (the raw head). After: the router (decoded segments, raw query). Threads: any.
 */
#ifndef FM_BROKER_HTTP_GATE_H
#define FM_BROKER_HTTP_GATE_H

#include "broker/http/http.h"
#include "common/memory.h"

#define FM_GATE_TARGET_LIMIT ((size_t)8 * 1024)
#define FM_GATE_HEADERS_LIMIT ((size_t)16 * 1024)
#define FM_GATE_FIELDS_LIMIT 64
#define FM_GATE_SEGMENTS 8

/* A request's head as received. */
struct fm_gate_head {
    const char *method, *target;
    const struct fm_http_header *headers;
    size_t count, total; /* fields kept, and fields received */
    bool is_whole;       /* fm_http_is_whole */
};

struct fm_gate_target {
    const char *path;                       /* raw, from its first slash, without the query */
    const char *query;                      /* raw, "" when there is none */
    const char *segments[FM_GATE_SEGMENTS]; /* decoded */
    size_t segment_count;
    const char *host; /* of the Host field, with its port */
    bool has_length, is_chunked;
    uint64_t content_length; /* when has_length */
};

/* Checks the whole head. Any failure but a path's ends the connection. INVALID_REQUEST,
 * NOT_IMPLEMENTED, URI_TOO_LONG, HEADERS_TOO_LARGE, MISDIRECTED_REQUEST. The target's texts live in
 * the arena. `hosts`: names answered for, separated by commas or spaces; "" answers for all;
 * `public_url` adds its own. */
bool fm_gate_check(const struct fm_gate_head *head, const char *hosts, const char *public_url,
                   struct fm_arena *arena, struct fm_gate_target *target,
                   struct fm_error *err) FM_MUST_CHECK;
/* [A-Za-z0-9_.:-]{1,64} */
bool fm_gate_is_request_id(const char *text);
/* True for a path below /v1. */
bool fm_gate_is_api(const struct fm_gate_target *target);

#endif
