/* A table of lead bytes, and a walk that uses it. */
#include "common/utf8.h"

#include <string.h>

#include "common/memory.h"

/* The lead bytes of characters of two bytes and more, with the range of their second byte. The
 * ranges exclude overlong forms, surrogates and everything above U+10FFFF (RFC 3629 §4). */
static const struct lead {
    unsigned char first, last, low, high;
    size_t length;
} leads[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool is_printable_ascii(unsigned char c)
{
    return c >= 0x20 && c < 0x7f;
}

static bool ascii_may_stand(unsigned char c, unsigned controls)
{
    bool is_tab_lf = c == '\t' || c == '\n';
    return is_printable_ascii(c) || (c != '\0' && (controls & FM_UTF8_C0) != 0) ||
           (is_tab_lf && (controls & FM_UTF8_TAB_LF) != 0);
}

/* U+0080 to U+009F are 0xc2 and a second byte below 0xa0. */
static bool is_c1(const unsigned char *at)
{
    return at[0] == 0xc2 && at[1] < 0xa0;
}

static const struct lead *find_lead(unsigned char c)
{
    for (size_t i = 0; i < FM_COUNT(leads); i++) {
        if (c >= leads[i].first && c <= leads[i].last) {
            return &leads[i];
        }
    }
    return NULL;
}

static bool has_tail(const struct lead *lead, const unsigned char *at)
{
    if (at[1] < lead->low || at[1] > lead->high) {
        return false;
    }
    for (size_t i = 2; i < lead->length; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf) {
            return false;
        }
    }
    return true;
}

size_t fm_utf8_measure(const char *text, size_t left, unsigned controls)
{
    const unsigned char *at = (const unsigned char *)text;
    if (left == 0) {
        return 0;
    }
    if (at[0] < 0x80) {
        return ascii_may_stand(at[0], controls) ? 1 : 0;
    }
    const struct lead *lead = find_lead(at[0]);
    if (lead == NULL || lead->length > left || !has_tail(lead, at)) {
        return 0;
    }
    return is_c1(at) && (controls & FM_UTF8_C1) == 0 ? 0 : lead->length;
}

/* The number of bytes at the start that belong to valid and allowed characters. Nearly every text
 * is printable ASCII throughout, so that is skipped in a loop of its own. */
static size_t measure_good(const char *text, size_t length, unsigned controls)
{
    size_t at = 0, character = 0;
    do {
        at += character;
        while (at < length && is_printable_ascii((unsigned char)text[at])) {
            at++;
        }
        character = fm_utf8_measure(text + at, length - at, controls);
    } while (character > 0);
    return at;
}

bool fm_utf8_is_valid(struct fm_slice text, unsigned controls)
{
    return text.length == 0 || measure_good(text.data, text.length, controls) == text.length;
}

void fm_utf8_clean(char *text, unsigned controls)
{
    size_t length = strlen(text);
    size_t at = measure_good(text, length, controls);
    while (at < length) {
        text[at++] = '?';
        at += measure_good(text + at, length - at, controls);
    }
}

void fm_utf8_clean_ascii(char *text)
{
    for (; *text != '\0'; text++) {
        if (!is_printable_ascii((unsigned char)*text)) {
            *text = '?';
        }
    }
}
