/*
 * One page of a list as its reply: the envelope, has_more, and where the next page is, as a cursor,
 * as a URL and as a Link header (RFC 8288).
 */
#ifndef FM_BROKER_REQUEST_PAGE_H
#define FM_BROKER_REQUEST_PAGE_H

#include "broker/request/request.h"
#include "common/json.h"

struct fm_page {
    struct fm_request *request;
    struct fm_text rows; /* the page's objects, a JSON array */
    struct fm_json_writer json;
};

/* The page's objects are written to page->json, one behind the other. Either fm_page_reply or
 * fm_page_done ends it. */
void fm_page_open(struct fm_page *page, struct fm_request *request);
void fm_page_done(struct fm_page *page);
/* Replies. `cursor` NULL: the last page. */
enum fm_step fm_page_reply(struct fm_page *page, const char *cursor);

#endif
