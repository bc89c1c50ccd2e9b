/*
 * The two doors to the network, and the only HTTP client of the services (libcurl behind it).
 * Untrusted door: for all that a client or a site named; each address is judged when it is about to
 * be connected to (address.h), at most 5 redirects, http and https alone, no proxy, no cookies
 * kept. Store door: only the origins named to it, no redirects; TLS by pinned key where a pin is
 * given. One request at a time; a new connection cache per door. Threads: one thread per door.
 */
#ifndef FM_COMMON_DOOR_H
#define FM_COMMON_DOOR_H

#include "common/address.h"
#include "common/error.h"
#include "common/text.h"

struct fm_door;

/* The policy is copied. */
struct fm_door *fm_door_new_untrusted(const struct fm_address_policy *policy);
/* `origins`: "http://127.0.0.1:8080" …, copied; `pin`: "sha256//…" or NULL. */
struct fm_door *fm_door_new_store(const char *const *origins, size_t count, const char *pin);
void fm_door_destroy(struct fm_door **door);

struct fm_door_header {
    const char *name;
    const char *value;
};

/* What came before the body; borrowed, gone after the callback (on_head) or with the answer. */
struct fm_door_answer {
    long status;
    int64_t length_bytes; /* -1: not told */
    bool accepts_ranges;
    char content_type[128];
    char etag[128];
    char last_modified[64];
    char file_name[256]; /* from Content-Disposition, else the last path segment; no slash, may be
                            "" */
    int64_t retry_after_seconds; /* -1: not told */
    int64_t received_bytes;
};

struct fm_door_request {
    const char *method; /* "GET", "HEAD", "PUT", "POST" */
    const char *url;
    const struct fm_door_header *headers;
    size_t header_count;
    int64_t max_bytes;   /* of the answer's body, counted as it arrives, decoded; 0 = none wanted:
                          * a short one is read and dropped */
    int64_t deadline_ms; /* on fm_clock_ms()'s clock */
    int64_t stall_ms;    /* no byte for so long: SOURCE_TIMEOUT; 0: no such limit */
    int body_fd;         /* PUT, POST: sent by pread from offset 0; -1 = none */
    int64_t body_bytes;
    void *context;
    /* Once, for the last hop, whatever its status; may be NULL. False with err set ends the request
     * with that error. After it a status outside 200–299 fails the request, as listed below;
     * `answer` tells which it was. */
    bool (*on_head)(void *context, const struct fm_door_answer *answer, struct fm_error *err);
    bool (*on_body)(void *context, const char *bytes, size_t length, struct fm_error *err);
    /* About ten times a second while waiting; may be NULL. */
    bool (*on_tick)(void *context, struct fm_error *err);
};

/* Performs it to the end. Errors: SOURCE_BLOCKED (refused by policy, and refused, reset or
 * unreachable alike), SOURCE_NOT_FOUND (404, 410), SOURCE_FORBIDDEN (401, 403), SOURCE_RATE_LIMITED
 * (429), SOURCE_TIMEOUT, SOURCE_TRUNCATED (shorter or longer than Content-Length, or cut),
 * SOURCE_TOO_LARGE, TOO_MANY_REDIRECTS, INVALID_URL. 5xx is SOURCE_TIMEOUT (worth another try). */
bool fm_door_perform(struct fm_door *door, const struct fm_door_request *request,
                     struct fm_door_answer *answer, struct fm_error *err) FM_MUST_CHECK;

#endif
