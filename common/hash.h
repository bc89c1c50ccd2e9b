/*
 * Digests, random bytes, password hashes, and the text forms of bytes (libsodium behind it). Misuse
 * and a missing random source abort; nothing here returns an error but the readers of text.
 * Threads: any.
 */
#ifndef FM_COMMON_HASH_H
#define FM_COMMON_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FM_HASH_SIZE 32
#define FM_HASH_HEX_SIZE 65

/* A SHA-256 in progress. After fm_hash_final only fm_hash_destroy may follow. */
struct fm_hash;
struct fm_hash *fm_hash_new(void);
void fm_hash_update(struct fm_hash *hash, const void *bytes, size_t length);
void fm_hash_final(struct fm_hash *hash, uint8_t out[FM_HASH_SIZE]);
void fm_hash_destroy(struct fm_hash **hash);

void fm_hash_sha256(const void *bytes, size_t length, uint8_t out[FM_HASH_SIZE]);
/* HMAC-SHA256 (RFC 2104): signs URLs, digests API keys, derives keys. */
void fm_hash_hmac(const uint8_t key[FM_HASH_SIZE], const void *bytes, size_t length,
                  uint8_t out[FM_HASH_SIZE]);
/* Compares in constant time, so that a guess learns nothing from the time taken: for keys, digests
 * and signatures. */
bool fm_hash_equal(const void *a, const void *b, size_t length);
/* Bytes of the kernel's random source, fit for keys. */
void fm_hash_random(void *out, size_t length);
/* A uniformly distributed number in [0, limit). */
uint32_t fm_hash_random_below(uint32_t limit);
/* CRC-32 as zlib computes it. Finds typing errors, proves nothing. */
uint32_t fm_hash_crc32(const void *bytes, size_t length);

/* Lower-case hex; `out` holds 2 × length + 1 bytes. */
void fm_hash_to_hex(const void *bytes, size_t length, char *out);
/* False unless the text is exactly 2 × length hex digits, in either case. */
bool fm_hash_from_hex(const char *text, void *out, size_t length);
/* Base64url without padding; `out` holds 4 × length / 3 + 2 bytes. */
void fm_hash_to_base64url(const void *bytes, size_t length, char *out);
/* Returns the number of bytes written, or -1 for invalid text or more than `capacity` bytes. */
int64_t fm_hash_from_base64url(const char *text, void *out, size_t capacity);

#define FM_HASH_PASSWORD_SIZE 128
/* Hashes a password by argon2id (2 passes, 19 MiB, about 15 ms) into a text that carries its salt
 * and cost. Only ever call this and the check below on a thread that may wait. */
void fm_hash_password(const char *password, char out[FM_HASH_PASSWORD_SIZE]);
/* True if `stored` is a hash by fm_hash_password of this password; false for any malformed text
 * too. */
bool fm_hash_password_matches(const char *stored, const char *password);

#endif
