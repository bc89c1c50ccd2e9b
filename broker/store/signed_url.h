/*
 * Makes and checks all signed URLs; no other file may.
 *
 *   for a worker's PUT:
 *     {origin}/store/{account}/{job}/{lease as 16 hex}/{name}?until&size&sha256&key&signature
 *   for a client's GET:
 *     {base}/v1/files/{token}/{name}.{extension}
 *     where the token holds account, job, lease, until, key id and signature
 *
 * Signatures are HMAC-SHA256 under the URL key. A client that has the URL needs no API
 * key. Pure: no database, no disk; the caller passes the time. Threads: any (read-only).
 */
#ifndef FM_BROKER_STORE_SIGNED_URL_H
#define FM_BROKER_STORE_SIGNED_URL_H

#include "broker/config/secrets.h"
#include "common/id.h"
#include "common/text.h"

struct fm_signed_url {
    const struct fm_secrets *secrets; /* borrowed */
    char *store_origin;               /* "http://127.0.0.1:8080" */
    uint64_t client_url_seconds, worker_url_seconds;
};

/* The object that a signed URL names. */
struct fm_store_object {
    struct fm_id account, job;
    uint64_t lease;
    char name[65];
    char extension[9];
    int64_t size_bytes;           /* store PUT */
    uint8_t sha256[FM_HASH_SIZE]; /* store PUT */
    int64_t until_s;              /* seconds since 1970 */
};

/* True if an output may have this name, [a-z0-9][a-z0-9_-]{0,63}: no other name can be part of a
 * key, so a path never leaves its directory. */
bool fm_signed_url_is_name(const char *name);

/* Appends a PUT URL for a worker, valid until `now_s` + worker_url_seconds; sets until_s. */
void fm_signed_url_store_put(const struct fm_signed_url *signed_url, struct fm_store_object *object,
                             int64_t now_s, struct fm_text *url);
/* Checks the path (after "/store/") and the query, and fills the object. SIGNATURE_INVALID or
 * SIGNATURE_EXPIRED; the object is to be used only on success. */
bool fm_signed_url_store_check(const struct fm_signed_url *signed_url, const char *path,
                               const char *query, int64_t now_s, struct fm_store_object *object,
                               struct fm_error *err) FM_MUST_CHECK;
/* Appends "/v1/files/{token}/{name}.{extension}", valid until the end of the next full interval of
 * client_url_seconds, so that the URL of an output stays the same within an interval. Sets until_s.
 */
void fm_signed_url_client_path(const struct fm_signed_url *signed_url,
                               struct fm_store_object *object, int64_t now_s, struct fm_text *path);
bool fm_signed_url_client_check(const struct fm_signed_url *signed_url, const char *token,
                                const char *file_name, int64_t now_s,
                                struct fm_store_object *object, struct fm_error *err) FM_MUST_CHECK;

#endif
