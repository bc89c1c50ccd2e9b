/* The checksum of a key finds a typing error before the database is asked, and nothing more. */
#include "common/key.h"

#include <string.h>

#include "common/hash.h"
#include "common/text.h"

#define PREFIX "sk_"
#define RANDOM_LENGTH 32
#define SUM_LENGTH 6
#define BASE 62 /* 62^6 > 2^32: the checksum fits six digits */

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static void put_checksum(char key[FM_KEY_SIZE])
{
    size_t signed_length = FM_KEY_LENGTH - SUM_LENGTH;
    uint32_t sum = fm_hash_crc32(key, signed_length);
    for (size_t i = FM_KEY_LENGTH; i > signed_length; i--) {
        key[i - 1] = alphabet[sum % BASE];
        sum /= BASE;
    }
    key[FM_KEY_LENGTH] = '\0';
}

void fm_key_new(char out[FM_KEY_SIZE])
{
    memset(out, '\0', FM_KEY_SIZE);
    memcpy(out, PREFIX, sizeof(PREFIX));
    for (size_t i = 0; i < RANDOM_LENGTH; i++) {
        out[strlen(PREFIX) + i] = alphabet[fm_hash_random_below(BASE)];
    }
    put_checksum(out);
}

bool fm_key_is_formed(const char *key)
{
    char expected[FM_KEY_SIZE];
    if (strlen(key) != FM_KEY_LENGTH || !fm_text_starts(key, PREFIX) ||
        strspn(key + strlen(PREFIX), alphabet) != RANDOM_LENGTH + SUM_LENGTH) {
        return false;
    }
    memcpy(expected, key, sizeof(expected));
    put_checksum(expected);
    return fm_hash_equal(expected, key, FM_KEY_LENGTH);
}
