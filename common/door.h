/*
 * The only HTTP client of the services (libcurl behind it), as two doors to the network. Called by
 * the transfer child (worker/transfer/line.h). The untrusted door is for every URL that a client or
 * a site supplied: each resolved address is judged right before the connection (address.h), at most
 * 5 redirects are followed, http and https only, no proxy, no cookies. The store door reaches only
 * the origins it was given and follows no redirect; with a pin, TLS checks the server's key against
 * the pin and nothing else.
 * Owns: libcurl's handles and the connection cache of one door.
 * Threads: a door belongs to one thread and runs one request at a time.
 */
#ifndef FM_COMMON_DOOR_H
#define FM_COMMON_DOOR_H

#include "common/address.h"
#include "common/error.h"
#include "common/text.h"

struct fm_door;

/* Copies the policy, and looks up the addresses of the host's interfaces (door_policy.h). */
struct fm_door *fm_door_new_untrusted(const struct fm_address_policy *policy);
/* Copies `origins` ("http://127.0.0.1:8080", …) and `pin` (libcurl's "sha256//…", or NULL). An
 * origin that is not a valid URL is dropped. */
struct fm_door *fm_door_new_store(const char *const *origins, size_t count, const char *pin);
/* Null-safe; closes the kept connections. */
void fm_door_destroy(struct fm_door **door);

struct fm_door_header {
    const char *name;
    const char *value;
};

/* The status line and the header fields of the last hop. on_head borrows it for the call; what
 * fm_door_perform fills in is the caller's. A field that was not sent is empty. */
struct fm_door_answer {
    long status;
    int64_t length_bytes; /* of the decoded body; -1: unknown */
    bool accepts_ranges;
    char content_type[128];
    char etag[128]; /* empty if longer: a cut ETag would be a different one */
    char last_modified[64];
    char file_name[256]; /* from Content-Disposition, else the last path segment; no slash, may be
                            "" */
    int64_t retry_after_seconds; /* at most a day; -1: not sent */
    int64_t received_bytes;      /* of the decoded body, so far */
};

struct fm_door_request {
    const char *method; /* "GET", "HEAD", "PUT", "POST" */
    const char *url;
    const struct fm_door_header *headers;
    size_t header_count;
    int64_t max_bytes;   /* of the answer's body, decoded, counted as it arrives; 0: no body is
                          * wanted, and up to 64 KiB of one are read and dropped */
    int64_t deadline_ms; /* on fm_clock_ms()'s clock */
    int64_t stall_ms;    /* longest time without a byte in either direction; 0: no limit */
    int body_fd;         /* PUT, POST: borrowed, read by pread from offset 0; -1: no body */
    int64_t body_bytes;
    void *context;
    /* Called once, for the last hop, whatever its status; may be NULL. Returning false with err set
     * ends the request with that error. If it returns true and the status is outside 200–299, the
     * request fails as listed below. */
    bool (*on_head)(void *context, const struct fm_door_answer *answer, struct fm_error *err);
    /* Called with each piece of the decoded body; may be NULL. False as for on_head. */
    bool (*on_body)(void *context, const char *bytes, size_t length, struct fm_error *err);
    /* Called about ten times a second while waiting; may be NULL. False as for on_head. */
    bool (*on_tick)(void *context, struct fm_error *err);
};

/* Performs the request to its end and fills `answer`, also on failure. Besides the callbacks'
 * errors: SOURCE_BLOCKED (refused by the policy, refused by the host, reset or unreachable, all
 * alike, so that nobody can map a network by the answers), SOURCE_NOT_FOUND (404, 410),
 * SOURCE_FORBIDDEN (401, 403), SOURCE_RATE_LIMITED (429), SOURCE_TIMEOUT, SOURCE_TRUNCATED (shorter
 * or longer than Content-Length, or cut), SOURCE_TOO_LARGE, TOO_MANY_REDIRECTS, INVALID_URL,
 * INVALID_PARAMETER (method or header). 408, 425 and 5xx are SOURCE_TIMEOUT, which the queue
 * retries; other statuses SOURCE_BLOCKED. */
bool fm_door_perform(struct fm_door *door, const struct fm_door_request *request,
                     struct fm_door_answer *answer, struct fm_error *err) FM_MUST_CHECK;

#endif
