/* Digests, random bytes, and their text forms (libsodium behind it). Threads: any. */
#ifndef FM_COMMON_HASH_H
#define FM_COMMON_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FM_HASH_SIZE 32
#define FM_HASH_HEX_SIZE 65

/* A running SHA-256. */
struct fm_hash;
struct fm_hash *fm_hash_new(void);
void fm_hash_update(struct fm_hash *hash, const void *bytes, size_t length);
void fm_hash_final(struct fm_hash *hash, uint8_t out[FM_HASH_SIZE]);
void fm_hash_destroy(struct fm_hash **hash);

void fm_hash_sha256(const void *bytes, size_t length, uint8_t out[FM_HASH_SIZE]);
/* HMAC-SHA256 (RFC 2104). */
void fm_hash_hmac(const uint8_t key[FM_HASH_SIZE], const void *bytes, size_t length,
                  uint8_t out[FM_HASH_SIZE]);
/* In constant time. */
bool fm_hash_equal(const void *a, const void *b, size_t length);
void fm_hash_random(void *out, size_t length);
/* A fair number in [0, limit). */
uint32_t fm_hash_random_below(uint32_t limit);
/* CRC-32 as zlib computes it. */
uint32_t fm_hash_crc32(const void *bytes, size_t length);

void fm_hash_to_hex(const void *bytes, size_t length, char *out); /* 2 × length + 1 */
bool fm_hash_from_hex(const char *text, void *out, size_t length);
/* Base64url without padding; `out` holds 4 × length / 3 + 2. */
void fm_hash_to_base64url(const void *bytes, size_t length, char *out);
/* Returns the number of bytes, or -1. */
int64_t fm_hash_from_base64url(const char *text, void *out, size_t capacity);

#define FM_HASH_PASSWORD_SIZE 128
/* argon2id, t=2, 19 MiB: about 15 ms; only ever on a thread that may wait. */
void fm_hash_password(const char *password, char out[FM_HASH_PASSWORD_SIZE]);
bool fm_hash_password_matches(const char *stored, const char *password);

#endif
