/*
 * One hop of a request as libcurl sees it: the options that wall it in, and what libcurl calls
 * while it runs. Part of door.c, which drives it.
 */
#ifndef FM_COMMON_DOOR_WIRE_H
#define FM_COMMON_DOOR_WIRE_H

#include <curl/curl.h>

#include "common/door.h"
#include "common/door_head.h"
#include "common/url.h"

struct fm_door {
    CURLM *multi;
    CURL *easy;
    bool is_store;
    struct fm_address_policy policy;
    char **origins;
    size_t origin_count;
    char *pin;
};

/* One request on its way. */
struct fm_door_transfer {
    struct fm_door *door;
    const struct fm_door_request *request;
    struct fm_url url;
    struct fm_door_head head;
    struct curl_slist *headers;
    struct fm_error failure; /* what a callback or the loop ended it with */
    bool has_failed;
    bool has_left;   /* a hop went to another origin than the first */
    bool is_judged;  /* on_head was called, the status looked at */
    bool is_settled; /* all is here that is wanted: the loop may end */
    int64_t sent_bytes;
    int64_t active_ms; /* when a byte last moved */
    int64_t tick_ms;   /* when on_tick is due */
};

/* Sets every option for the hop to `url`; forgets those of the last one. */
void fm_door_wire_set(struct fm_door_transfer *transfer);
bool fm_door_wire_is_get(const struct fm_door_transfer *transfer);
/* Ends the transfer with the error a caller's callback filled; the first one stands. */
void fm_door_wire_end_with(struct fm_door_transfer *transfer, const struct fm_error *err);
/* The same with "origin: why" as its detail. */
void fm_door_wire_end(struct fm_door_transfer *transfer, enum fm_error_code code, const char *why);

#endif
