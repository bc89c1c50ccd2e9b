/*
 * API keys at the door: finding the key in a request, turning it into the digest that the database
 * stores, and slowing down networks that send too many bad keys. No result of a key check is ever
 * cached (docs/architecture.md, law 8).
 * Before: a routed request. After: a request whose lookup carries the key's digest. Threads: any.
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
/* The last four characters, by which people recognise a key once its text is no longer shown. */
void fm_auth_key_last4(const char *key, char out[FM_AUTH_LAST_SIZE]);

/* The key in "Bearer sk_…" (the scheme in any case), a pointer into `authorization`; NULL for any
 * other scheme. */
const char *fm_auth_bearer(const char *authorization);
/* True if the raw query carries a key: a parameter named api_key, key, token or access_token, or
 * any value that has the form of a key. Two exceptions: a key's id (key_…), and everything after
 * an unencoded url=…?, which belongs to that URL. */
bool fm_auth_key_in_query(const char *query);

/* Counts bad keys by client network (/24 of IPv4, /56 of IPv6). After 30 within a minute the
 * network's requests are refused without a lookup until that minute is over. */
struct fm_auth_guard;
struct fm_auth_guard *fm_auth_guard_new(void);
void fm_auth_guard_destroy(struct fm_auth_guard **guard);
/* Returns how many seconds the address must wait; 0 if its request may go on. */
unsigned fm_auth_guard_wait(struct fm_auth_guard *guard, const struct fm_address *peer,
                            int64_t now_ms);
/* Counts one bad key for the address's network. */
void fm_auth_guard_count(struct fm_auth_guard *guard, const struct fm_address *peer,
                         int64_t now_ms);

#endif
