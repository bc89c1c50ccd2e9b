/* The only file of this room that includes libsodium. */
#include "common/hash.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

/* The least argon2id cost that OWASP's password storage cheat sheet recommends for one lane. */
#define PASSWORD_PASSES 2
#define PASSWORD_MEMORY_BYTES ((size_t)19 * 1024 * 1024)

_Static_assert(FM_HASH_SIZE == crypto_hash_sha256_BYTES, "a digest's size");
_Static_assert(FM_HASH_SIZE == crypto_auth_hmacsha256_KEYBYTES, "a key's size");
_Static_assert(FM_HASH_PASSWORD_SIZE == crypto_pwhash_STRBYTES, "a stored password's size");

struct fm_hash {
    crypto_hash_sha256_state state;
};

static void start_libsodium(void)
{
    if (sodium_init() < 0) {
        abort();
    }
}

/* libsodium picks its processor-specific code and its random source in sodium_init. SHA-256 and
 * HMAC work without it. */
static void ensure_started(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start_libsodium);
}

struct fm_hash *fm_hash_new(void)
{
    struct fm_hash *hash = fm_alloc(sizeof(*hash));
    crypto_hash_sha256_init(&hash->state);
    return hash;
}

void fm_hash_update(struct fm_hash *hash, const void *bytes, size_t length)
{
    crypto_hash_sha256_update(&hash->state, bytes, length);
}

void fm_hash_final(struct fm_hash *hash, uint8_t out[FM_HASH_SIZE])
{
    crypto_hash_sha256_final(&hash->state, out);
}

void fm_hash_destroy(struct fm_hash **hash)
{
    free(*hash);
    *hash = NULL;
}

void fm_hash_sha256(const void *bytes, size_t length, uint8_t out[FM_HASH_SIZE])
{
    crypto_hash_sha256(out, bytes, length);
}

void fm_hash_hmac(const uint8_t key[FM_HASH_SIZE], const void *bytes, size_t length,
                  uint8_t out[FM_HASH_SIZE])
{
    crypto_auth_hmacsha256(out, bytes, length, key);
}

bool fm_hash_equal(const void *a, const void *b, size_t length)
{
    return sodium_memcmp(a, b, length) == 0;
}

void fm_hash_random(void *out, size_t length)
{
    ensure_started();
    randombytes_buf(out, length);
}

uint32_t fm_hash_random_below(uint32_t limit)
{
    ensure_started();
    return randombytes_uniform(limit);
}

uint32_t fm_hash_crc32(const void *bytes, size_t length)
{
    /* Bit by bit: the inputs are a key's 35 bytes and smaller ones, so a table would not pay. */
    const uint8_t *at = bytes;
    uint32_t crc = 0xffffffffU;
    for (size_t i = 0; i < length; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (0xedb88320U & (0U - (crc & 1U)));
        }
    }
    return ~crc;
}

void fm_hash_to_hex(const void *bytes, size_t length, char *out)
{
    sodium_bin2hex(out, 2 * length + 1, bytes, length);
}

bool fm_hash_from_hex(const char *text, void *out, size_t length)
{
    size_t written = 0;
    size_t digits = strlen(text);
    return digits == 2 * length &&
           sodium_hex2bin(out, length, text, digits, NULL, &written, NULL) == 0 &&
           written == length;
}

void fm_hash_to_base64url(const void *bytes, size_t length, char *out)
{
    const int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
    sodium_bin2base64(out, sodium_base64_encoded_len(length, variant), bytes, length, variant);
}

int64_t fm_hash_from_base64url(const char *text, void *out, size_t capacity)
{
    size_t written = 0;
    if (sodium_base642bin(out, capacity, text, strlen(text), NULL, &written, NULL,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
        return -1;
    }
    return (int64_t)written;
}

void fm_hash_password(const char *password, char out[FM_HASH_PASSWORD_SIZE])
{
    ensure_started();
    if (crypto_pwhash_str_alg(out, password, strlen(password), PASSWORD_PASSES,
                              PASSWORD_MEMORY_BYTES, crypto_pwhash_ALG_ARGON2ID13) != 0) {
        abort(); /* fails only for lack of memory */
    }
}

bool fm_hash_password_matches(const char *stored, const char *password)
{
    ensure_started();
    return crypto_pwhash_str_verify(stored, password, strlen(password)) == 0;
}
