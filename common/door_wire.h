/*
 * One hop of a request as libcurl sees it: the options that confine it, and the callbacks that
 * libcurl calls while it runs. Part of door.c, which drives it.
 * Owns: nothing; struct fm_door belongs to door.c.
 */
#ifndef FM_COMMON_DOOR_WIRE_H
#define FM_COMMON_DOOR_WIRE_H

#include <curl/curl.h>

#include "common/door.h"
#include "common/door_head.h"
#include "common/url.h"

/* An untrusted door uses `policy`; a store door `origins` and `pin`. */
struct fm_door {
    CURLM *multi;
    CURL *easy;
    bool is_store;
    struct fm_address_policy policy;
    char **origins;
    size_t origin_count;
    char *pin;
};

/* One request while it runs; lives on the stack of fm_door_perform. */
struct fm_door_transfer {
    struct fm_door *door;
    const struct fm_door_request *request;
    struct fm_url url;          /* of the current hop */
    struct fm_door_head head;   /* of the current hop */
    struct curl_slist *headers; /* of the current hop; libcurl borrows the list */
    struct fm_error failure;    /* the error that a callback or the loop ended the request with */
    bool has_failed;
    bool has_left;      /* a hop went to another origin than the first */
    bool is_judged;     /* on_head was called and the status checked: no redirect follows */
    bool is_settled;    /* everything wanted is here: the loop may end before libcurl does */
    int64_t sent_bytes; /* of the body, this hop */
    int64_t active_ms;  /* when a byte last moved */
    int64_t tick_ms;    /* when on_tick is due */
};

/* Resets libcurl's handle and sets every option for the hop to transfer->url. */
void fm_door_wire_set(struct fm_door_transfer *transfer);
bool fm_door_wire_is_get(const struct fm_door_transfer *transfer);
/* Ends the transfer with an error. Only the first error counts. */
void fm_door_wire_end_with(struct fm_door_transfer *transfer, const struct fm_error *err);
/* The same, with "origin: why" as the detail: never the whole URL, whose query may hold secrets. */
void fm_door_wire_end(struct fm_door_transfer *transfer, enum fm_error_code code, const char *why);

#endif
