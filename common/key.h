/* What an API key looks like. */
#ifndef FM_COMMON_KEY_H
#define FM_COMMON_KEY_H

#include <stdbool.h>

/* "sk_" + 32 random base62 characters + CRC32 of those 35 as 6 base62 digits. */
#define FM_KEY_LENGTH 41
#define FM_KEY_SIZE 42

void fm_key_new(char out[FM_KEY_SIZE]);
/* Form and checksum; says nothing about whether it exists. */
bool fm_key_is_formed(const char *key);

#endif
