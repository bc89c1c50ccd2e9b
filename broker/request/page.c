/* The envelope every list has: see page.h. */
#include "broker/request/page.h"

#include <string.h>

#include "broker/request/reply.h"

void fm_page_open(struct fm_page *page, struct fm_request *request)
{
    *page = (struct fm_page){.request = request};
    page->json.out = &page->body;
    fm_json_open(&page->json, NULL, '{');
    fm_json_put_text(&page->json, "object", "list");
    fm_json_open(&page->json, "data", '[');
}

/* The request's own query, with another cursor. */
static void put_query(struct fm_text *url, const char *query, const char *cursor)
{
    char sign = '?';
    for (const char *at = query; *at != '\0'; at += strspn(at, "&")) {
        size_t length = strcspn(at, "&");
        if (length > 0 && strncmp(at, "cursor=", 7) != 0) {
            fm_text_append_char(url, sign);
            fm_text_append_bytes(url, at, length);
            sign = '&';
        }
        at += length;
    }
    fm_text_format(url, "%ccursor=%s", sign, cursor);
}

static void put_next(struct fm_page *page, const char *cursor)
{
    const struct fm_gate_target *target = &page->request->target;
    FM_AUTO(fm_text_done) struct fm_text url = {0}, link = {0};
    fm_text_append(&url, page->request->base);
    for (size_t i = 0; i < target->segment_count; i++) {
        fm_text_format(&url, "/%s", target->segments[i]);
    }
    put_query(&url, target->query, cursor);
    fm_text_format(&link, "<%s>; rel=\"next\"", fm_text_get(&url));
    fm_http_header(page->request->exchange, "Link", fm_text_get(&link));
    fm_json_put_text(&page->json, "next_url", fm_text_get(&url));
}

enum fm_step fm_page_reply(struct fm_page *page, const char *cursor)
{
    fm_json_close(&page->json, ']');
    fm_json_put_bool(&page->json, "has_more", cursor != NULL);
    fm_json_put_text(&page->json, "next_cursor", cursor);
    if (cursor != NULL) {
        put_next(page, cursor);
    } else {
        fm_json_put_null(&page->json, "next_url");
    }
    fm_json_close(&page->json, '}');
    return fm_reply_json(page->request, 200, &page->body);
}
