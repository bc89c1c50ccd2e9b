/*
 * Writes one page of a list as a reply: the list envelope with has_more, and the next page as a
 * cursor, as a URL and as a Link header (RFC 8288).
 * Before: rows read from the database. After: a reply set on the exchange.
 * Threads: the request's front thread.
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

/* After this the caller writes the page's objects to page->json, one after the other, and ends the
 * page with either fm_page_reply or fm_page_done. */
void fm_page_open(struct fm_page *page, struct fm_request *request);
void fm_page_done(struct fm_page *page);
/* Replies with 200 and ends the page. `cursor`: of the next page; NULL on the last page. */
enum fm_step fm_page_reply(struct fm_page *page, const char *cursor);

#endif
