/*
 * The form of an API key. Made by the broker and checked by it and the CLI (cli/client_config.c).
 * What a key may do, and whether it exists, is the database's.
 * Threads: any.
 */
#ifndef FM_COMMON_KEY_H
#define FM_COMMON_KEY_H

#include <stdbool.h>

/* "sk_", 32 random base62 characters (190 bits), and the CRC-32 of those 35 bytes as 6 base62
 * digits. */
#define FM_KEY_LENGTH 41
#define FM_KEY_SIZE 42 /* with the NUL */

void fm_key_new(char out[FM_KEY_SIZE]);
/* True if form and checksum are right. Does not look the key up. */
bool fm_key_is_formed(const char *key);

#endif
