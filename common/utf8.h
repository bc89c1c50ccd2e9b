/*
 * UTF-8 (RFC 3629): whether bytes are valid characters, and text made safe to send. The only place
 * that knows the encoding. NUL is never valid; the caller decides which other control characters
 * are. Pure.
 */
#ifndef FM_COMMON_UTF8_H
#define FM_COMMON_UTF8_H

#include "common/text.h"

/* The control characters that a text may contain, as bits. */
#define FM_UTF8_NO_CONTROLS 0u
#define FM_UTF8_TAB_LF 1u /* tab and line feed */
#define FM_UTF8_C0 2u     /* U+0001 to U+001F and U+007F: all of ASCII's */
#define FM_UTF8_C1 4u     /* U+0080 to U+009F: some terminals obey these like escape sequences */
#define FM_UTF8_ALL_CONTROLS (FM_UTF8_C0 | FM_UTF8_C1)

/* The length in bytes, 1 to 4, of the character that starts at `text`; reads at most `left` bytes.
 * 0 at the end, and where no valid or allowed character starts. */
size_t fm_utf8_measure(const char *text, size_t left, unsigned controls);
/* True if the bytes are nothing but valid and allowed characters. */
bool fm_utf8_is_valid(struct fm_slice text, unsigned controls);

/* Replaces each byte that belongs to no valid and allowed character by '?'. The text keeps its
 * length. */
void fm_utf8_clean(char *text, unsigned controls);
/* The same for text that may only hold printable ASCII, such as the details in log lines. */
void fm_utf8_clean_ascii(char *text);

#endif
