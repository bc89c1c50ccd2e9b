/*
 * Loads the broker's secrets from their files (0600 in secrets/), and creates them at the first
 * start: the pepper of API keys, the URL-signing key, the secretbox key, and the link's CURVE key
 * pair. A check value in the database makes a broker with different secrets refuse to start.
 * Threads: loaded and wiped by the main thread; read-only in between.
 */
#ifndef FM_BROKER_CONFIG_SECRETS_H
#define FM_BROKER_CONFIG_SECRETS_H

#include "common/error.h"
#include "common/hash.h"

struct fm_secrets {
    uint16_t pepper_id;
    uint8_t pepper[FM_HASH_SIZE]; /* the database stores API keys as HMACs under it */
    uint16_t url_key_id;
    uint8_t url_key[FM_HASH_SIZE]; /* signs download and store URLs */
    uint8_t box_key[FM_HASH_SIZE]; /* seals data that is stored encrypted */
    char curve_public[41];         /* Z85, 40 characters */
    char curve_secret[41];
};

/* Loads the secrets; creates all of them if none of the files exists. Fails with SETTING if only
 * some are missing, or if a file is readable by others or malformed. */
bool fm_secrets_load(const char *directory, struct fm_secrets *secrets,
                     struct fm_error *err) FM_MUST_CHECK;
/* A digest of all secrets, for the check value in the database (table secret_check). */
void fm_secrets_check(const struct fm_secrets *secrets, uint8_t out[FM_HASH_SIZE]);
/* Overwrites the memory. */
void fm_secrets_done(struct fm_secrets *secrets);

#endif
