/*
 * UTF-8 (RFC 3629): whether bytes are characters, and texts made fit to travel. The only place that
 * knows the encoding. NUL is never a character; which other control characters may stand is the
 * caller's to say. Pure.
 */
#ifndef FM_COMMON_UTF8_H
#define FM_COMMON_UTF8_H

#include "common/text.h"

/* The control characters that may stand in a text, as bits. */
#define FM_UTF8_NO_CONTROLS 0u
#define FM_UTF8_TAB_LF 1u /* tab and line feed */
#define FM_UTF8_C0 2u     /* U+0001 to U+001F and U+007F: all that ASCII has */
#define FM_UTF8_C1 4u     /* U+0080 to U+009F: some terminals obey these as they do escapes */
#define FM_UTF8_ALL_CONTROLS (FM_UTF8_C0 | FM_UTF8_C1)

/* The length in bytes, 1 to 4, of the character that starts at `text`, of which `left` bytes may be
 * read. 0 at the end, and where no character starts that may stand. */
size_t fm_utf8_measure(const char *text, size_t left, unsigned controls);
/* True if the bytes are nothing but characters that may stand. */
bool fm_utf8_is_valid(struct fm_slice text, unsigned controls);

/* Puts '?' in place of each byte that belongs to no character that may stand. The text keeps its
 * length. */
void fm_utf8_clean(char *text, unsigned controls);
/* The same for a text that may hold printable ASCII alone, as what goes into a log line. */
void fm_utf8_clean_ascii(char *text);

#endif
