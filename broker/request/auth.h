/*
 * API keys: where a request has one, its digest at rest, and who has shown too many bad ones.
 * Before: a routed request. After: a request whose look-up carries the key's digest; nothing is
 * ever cached (docs/architecture.md, law 8). Threads: any.
 */
#ifndef FM_BROKER_REQUEST_AUTH_H
#define FM_BROKER_REQUEST_AUTH_H

#include "broker/config/secrets.h"
#include "common/address.h"
#include "common/error.h"
#include "common/key.h"
#include "common/text.h"

#define FM_AUTH_LAST_SIZE 5

/* HMAC-SHA256 under the pepper: what api_key.digest holds. */
void fm_auth_key_digest(const struct fm_secrets *secrets, const char *key,
                        uint8_t out[FM_HASH_SIZE]);
/* The last four characters, to be shown afterwards. */
void fm_auth_key_last4(const char *key, char out[FM_AUTH_LAST_SIZE]);

/* The key in "Bearer sk_…" (scheme in any case), or NULL. */
const char *fm_auth_bearer(const char *authorization);
/* True if the raw query has a parameter that is a key by its name (api_key, key, token,
 * access_token), unless it stands behind an unencoded url=…? and so belongs to that. */
bool fm_auth_key_in_query(const char *query);

/* Bad keys by /24 or /56: 30 in 60 s, then no look-up until the minute is over. */
struct fm_auth_guard;
struct fm_auth_guard *fm_auth_guard_new(void);
void fm_auth_guard_destroy(struct fm_auth_guard **guard);
/* Seconds to wait, 0 if the address may ask. */
unsigned fm_auth_guard_wait(struct fm_auth_guard *guard, const struct fm_address *peer,
                            int64_t now_ms);
void fm_auth_guard_count(struct fm_auth_guard *guard, const struct fm_address *peer,
                         int64_t now_ms);

#endif
