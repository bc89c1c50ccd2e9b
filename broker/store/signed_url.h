/*
 * Every signed URL, made and checked in one place.
 *   store:  {origin}/store/{account}/{job}/{lease as 16 hex}/{name}?until&size&sha256&key&signature
 * (workers, 15 min) client: {base}/v1/files/{token}/{name}.{ext}, the token carrying account, job,
 * lease, until, key id and signature Signatures are HMAC-SHA256 under the URL key. Pure but for the
 * clock handed in. Threads: any (read-only).
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

/* What a signed URL names. */
struct fm_store_object {
    struct fm_id account, job;
    uint64_t lease;
    char name[65];
    char extension[9];
    int64_t size_bytes;           /* store PUT */
    uint8_t sha256[FM_HASH_SIZE]; /* store PUT */
    int64_t until_s;              /* seconds since 1970 */
};

/* True for what an output may be called, [a-z0-9][a-z0-9_-]{0,63}: nothing else is part of a key.
 */
bool fm_signed_url_is_name(const char *name);

/* A PUT URL for a worker, until now + worker_url_seconds. Appends. */
void fm_signed_url_store_put(const struct fm_signed_url *grant, struct fm_store_object *object,
                             int64_t now_s, struct fm_text *url);
/* Checks path (after "/store/") and query; SIGNATURE_INVALID or SIGNATURE_EXPIRED. */
bool fm_signed_url_store_check(const struct fm_signed_url *grant, const char *path,
                               const char *query, int64_t now_s, struct fm_store_object *object,
                               struct fm_error *err) FM_MUST_CHECK;
/* "/v1/files/{token}/{name}.{ext}", until the end of the next full interval. Appends; sets until_s.
 */
void fm_signed_url_client_path(const struct fm_signed_url *grant, struct fm_store_object *object,
                               int64_t now_s, struct fm_text *path);
bool fm_signed_url_client_check(const struct fm_signed_url *grant, const char *token,
                                const char *file_name, int64_t now_s,
                                struct fm_store_object *object, struct fm_error *err) FM_MUST_CHECK;

#endif
