/*
 * The secret files (0600 in secrets/, made at first start): key pepper, URL-signing key, secretbox
 * key, CURVE key pair. A check value in the database makes a broker with other secrets refuse to
 * start.
 */
#ifndef FM_BROKER_CONFIG_SECRETS_H
#define FM_BROKER_CONFIG_SECRETS_H

#include "common/error.h"
#include "common/hash.h"

struct fm_secrets {
    uint16_t pepper_id;
    uint8_t pepper[FM_HASH_SIZE]; /* keys at rest are HMACs under it */
    uint16_t url_key_id;
    uint8_t url_key[FM_HASH_SIZE]; /* signs download and store URLs */
    uint8_t box_key[FM_HASH_SIZE]; /* seals what is stored encrypted */
    char curve_public[41];         /* Z85 */
    char curve_secret[41];
};

/* Loads, or makes when the directory is empty. SETTING when files are missing, readable by others
 * or malformed. */
bool fm_secrets_load(const char *directory, struct fm_secrets *secrets,
                     struct fm_error *err) FM_MUST_CHECK;
/* A digest of all of them for secret_check. */
void fm_secrets_check(const struct fm_secrets *secrets, uint8_t out[FM_HASH_SIZE]);
/* Overwrites the memory. */
void fm_secrets_done(struct fm_secrets *secrets);

#endif
