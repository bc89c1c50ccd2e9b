/* Cuts name=value&… at its separators; url.c decodes. */
#include "common/query.h"

#include <string.h>

#include "common/memory.h"
#include "common/url.h"

void fm_query_init(struct fm_query *query, const char *text)
{
    *query = (struct fm_query){.left = text};
}

void fm_query_done(struct fm_query *query)
{
    fm_text_done(&query->name);
    fm_text_done(&query->value);
}

/* Text that cannot be decoded is kept raw: whether to refuse it is the caller's to decide. */
static void decode_part(struct fm_slice raw, bool plus_is_space, struct fm_text *out)
{
    fm_text_clear(out);
    if (!fm_url_decode(raw, plus_is_space, out)) {
        fm_text_clear(out);
        fm_text_append_bytes(out, raw.data, raw.length);
    }
}

bool fm_query_next(struct fm_query *query)
{
    query->left += strspn(query->left, "&");
    size_t length = strcspn(query->left, "&");
    if (length == 0) {
        return false;
    }
    size_t name = strcspn(query->left, "=&");
    size_t from = name < length ? name + 1 : length;
    decode_part((struct fm_slice){query->left, name}, true, &query->name);
    query->raw = (struct fm_slice){query->left + from, length - from};
    /* A URL pasted without encoding keeps its '+': no valid URL has a space. */
    decode_part(query->raw, strcmp(fm_text_get(&query->name), "url") != 0, &query->value);
    query->left += length;
    return true;
}
