/* Writes the envelope that all lists share: see page.h. */
#include "broker/request/page.h"

#include <string.h>

#include "broker/request/envelope.h"
#include "broker/request/reply.h"

void fm_page_open(struct fm_page *page, struct fm_request *request)
{
    *page = (struct fm_page){.request = request};
    page->json.out = &page->rows;
    fm_json_open(&page->json, NULL, '[');
}

void fm_page_done(struct fm_page *page)
{
    fm_text_done(&page->rows);
}

/* Appends the request's own raw query, with the cursor replaced. */
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

/* Appends the next page's URL to `url`, and sets it as the header Link. */
static void link_next(const struct fm_request *request, const char *cursor, struct fm_text *url)
{
    const struct fm_gate_target *target = &request->target;
    FM_AUTO(fm_text_done) struct fm_text link = {0};
    fm_text_append(url, request->base);
    for (size_t i = 0; i < target->segment_count; i++) {
        fm_text_format(url, "/%s", target->segments[i]);
    }
    put_query(url, target->query, cursor);
    fm_text_format(&link, "<%s>; rel=\"next\"", fm_text_get(url));
    fm_http_header(request->exchange, "Link", fm_text_get(&link));
}

enum fm_step fm_page_reply(struct fm_page *page, const char *cursor)
{
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    struct fm_text body = {0};
    struct fm_reply_list list = {.has_more = cursor != NULL, .next_cursor = cursor};
    fm_json_close(&page->json, ']');
    list.data = (struct fm_slice){page->rows.data, page->rows.length};
    if (cursor != NULL) {
        link_next(page->request, cursor, &url);
        list.next_url = fm_text_get(&url);
    }
    fm_reply_write_list(&list, &body);
    fm_page_done(page);
    return fm_reply_json(page->request, 200, &body);
}
