/*
 * Checks of a request's head, once it is complete: does it hold bytes that MHD did not report as
 * fields, and how long a body does it announce? The first check reads the memory that MHD 0.9.75
 * parsed in place, and is only called for that version.
 * Before: http.c, and exchange.c for the length. Changes nothing. Threads: the front thread.
 */
#include <string.h>

#include "broker/http/exchange.h"

/*
 * True if the head holds the reported fields and nothing else. MHD (0.9.75) parses in place: it
 * replaces CR and LF by NULs, and hides what follows a NUL, a folded line, a bare LF or a field
 * without a name. If each field begins right behind the previous one, nothing was hidden.
 */
bool fm_http_is_head_whole(const struct fm_http_exchange *exchange, const char *url,
                           const char *version)
{
    const char *at = version + strlen(version);
    if (url + strlen(exchange->target) + 1 != version) {
        return false;
    }
    for (size_t i = 0; i < exchange->header_count; i++) {
        const struct fm_http_header *header = &exchange->headers[i];
        const char *value = header->name.data + header->name.length + 1;
        if (at[0] != '\0' || at[1] != '\0' || header->name.data != at + 2) {
            return false;
        }
        value += strspn(value, " \t");
        at = value + header->value.length;
        if (value != header->value.data) {
            return false;
        }
    }
    return at[0] == '\0' && at[1] == '\0' && at[2] == '\0' && at[3] == '\0';
}

/* A chunked body announces no length, so it counts as the longest allowed. */
size_t fm_http_expected(const struct fm_http_exchange *exchange, size_t limit)
{
    const char *text = fm_http_find(exchange, "content-length");
    uint64_t length = 0;
    if (text != NULL && fm_text_to_u64(text, 0, UINT64_MAX, &length)) {
        return length < limit ? (size_t)length : limit;
    }
    return fm_http_find(exchange, "transfer-encoding") != NULL ? limit : 0;
}
