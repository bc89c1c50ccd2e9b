/*
 * API keys in requests. The database knows a key only by its digest, so this is the one place that
 * turns a key's text into something that can be looked up.
 * Before: a routed request. After: a lookup that carries the digest.
 */
#include "broker/request/auth.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/memory.h"

void fm_auth_key_digest(const struct fm_secrets *secrets, const char *key,
                        uint8_t out[FM_HASH_SIZE])
{
    fm_hash_hmac(secrets->pepper, key, strlen(key), out);
}

void fm_auth_key_last4(const char *key, char out[FM_AUTH_LAST_SIZE])
{
    size_t length = strlen(key);
    memcpy(out, length < 4 ? "????" : key + length - 4, FM_AUTH_LAST_SIZE);
}

const char *fm_auth_bearer(const char *authorization)
{
    if (strncasecmp(authorization, "bearer ", 7) != 0) {
        return NULL;
    }
    const char *key = authorization + 7;
    return key + strspn(key, " ");
}

/* `length` is that of the parameter's name. */
static bool is_named(const char *parameter, size_t length, const char *name)
{
    return length == strlen(name) && strncasecmp(parameter, name, length) == 0;
}

/* A key's id, by which a list may be filtered, is not a secret. */
static bool is_key_id(const char *parameter, size_t name)
{
    return strncmp(parameter + name, "=key_", 5) == 0;
}

/* True if the value has the form of a key, whatever its parameter is called. */
static bool is_key(const char *value, size_t length)
{
    char key[FM_KEY_SIZE] = {0};
    if (length != FM_KEY_LENGTH) {
        return false;
    }
    memcpy(key, value, length);
    return fm_key_is_formed(key);
}

bool fm_auth_key_in_query(const char *query)
{
    static const char *const names[] = {"api_key", "key", "token", "access_token"};
    while (*query != '\0') {
        size_t length = strcspn(query, "&");
        size_t name = strcspn(query, "=&");
        /* The parameters after an unencoded url=…? belong to that URL; validation explains this
         * to the client better than an error about keys would. */
        if (is_named(query, name, "url") && memchr(query, '?', length) != NULL) {
            return false;
        }
        if (name < length && is_key(query + name + 1, length - name - 1)) {
            return true;
        }
        for (size_t i = 0; i < FM_COUNT(names); i++) {
            if (is_named(query, name, names[i]) && !is_key_id(query, name)) {
                return true;
            }
        }
        query += length + (query[length] == '&' ? 1 : 0);
    }
    return false;
}

/* ---- the guard against guessing keys ---- */

/* A fixed table, so that no number of clients makes it grow. If two networks hash to the same slot,
 * the one that sends the later bad key takes it, and the other starts again from 0: the guard errs
 * on the side of letting requests through. */
#define GUARD_SLOTS 4096 /* a power of two */
#define GUARD_LIMIT 30   /* bad keys of a network in GUARD_MS */
#define GUARD_MS 60000

struct guard_slot {
    uint8_t network[8]; /* the family, then 3 bytes (/24) or 7 bytes (/56) of the address */
    int64_t since_ms;
    unsigned count;
};

struct fm_auth_guard {
    pthread_mutex_t lock;
    struct guard_slot slots[GUARD_SLOTS];
};

struct fm_auth_guard *fm_auth_guard_new(void)
{
    struct fm_auth_guard *guard = fm_alloc(sizeof(*guard));
    pthread_mutex_init(&guard->lock, NULL);
    return guard;
}

void fm_auth_guard_destroy(struct fm_auth_guard **guard)
{
    if (*guard != NULL) {
        pthread_mutex_destroy(&(*guard)->lock);
        free(*guard);
        *guard = NULL;
    }
}

/* Under the lock. Returns the slot of the address's network; *is_own is true if the slot holds this
 * network's current minute. */
static struct guard_slot *find_slot(struct fm_auth_guard *guard, const struct fm_address *peer,
                                    int64_t now_ms, uint8_t network[8], bool *is_own)
{
    memset(network, 0, 8);
    network[0] = peer->family == AF_INET ? 4 : 6;
    memcpy(network + 1, peer->bytes, peer->family == AF_INET ? 3 : 7);
    struct guard_slot *slot = &guard->slots[fm_hash_crc32(network, 8) & (GUARD_SLOTS - 1)];
    *is_own = memcmp(slot->network, network, 8) == 0 && now_ms - slot->since_ms < GUARD_MS;
    return slot;
}

unsigned fm_auth_guard_wait(struct fm_auth_guard *guard, const struct fm_address *peer,
                            int64_t now_ms)
{
    uint8_t network[8];
    bool is_own = false;
    int64_t left_ms = 0;
    pthread_mutex_lock(&guard->lock);
    const struct guard_slot *slot = find_slot(guard, peer, now_ms, network, &is_own);
    if (is_own && slot->count >= GUARD_LIMIT) {
        left_ms = slot->since_ms + GUARD_MS - now_ms;
    }
    pthread_mutex_unlock(&guard->lock);
    return (unsigned)((left_ms + 999) / 1000);
}

void fm_auth_guard_count(struct fm_auth_guard *guard, const struct fm_address *peer, int64_t now_ms)
{
    uint8_t network[8];
    bool is_own = false;
    pthread_mutex_lock(&guard->lock);
    struct guard_slot *slot = find_slot(guard, peer, now_ms, network, &is_own);
    if (!is_own) {
        memcpy(slot->network, network, sizeof(network));
        slot->since_ms = now_ms;
        slot->count = 0;
    }
    slot->count++;
    pthread_mutex_unlock(&guard->lock);
}
