/*
 * One parse of a URL, by CURLU: http and https only, no userinfo, no control bytes, no backslash,
 * at most 2,048 bytes, host in lower case and normalised (an IPv4 in any spelling becomes dotted).
 * May not: connect, resolve. Linked into broker, transfer and CLI; never into the worker daemon.
 */
#ifndef FM_COMMON_URL_H
#define FM_COMMON_URL_H

#include "common/address.h"
#include "common/error.h"
#include "common/text.h"

#define FM_URL_LIMIT 2048

struct fm_url {
    char *text;    /* the whole URL, normalised, without fragment */
    char *origin;  /* "https://host:port" with the port only when not the scheme's own */
    char *host;    /* lower case; IPv6 without brackets */
    char *path;    /* as sent, at least "/" */
    char *query;   /* without '?', or NULL */
    uint16_t port; /* given or the scheme's own */
    bool is_https;
    bool is_literal; /* the host is an address: it stands in `address` */
    struct fm_address address;
};

/* INVALID_URL on failure, its message for the client. `url` need not be done after a failure. */
bool fm_url_parse(const char *text, struct fm_url *url, struct fm_error *err) FM_MUST_CHECK;
/* A reference (a redirect's Location, a playlist's line) against the URL it was found at; then
 * judged like any other. Spaces are encoded, as browsers do. */
bool fm_url_join(const struct fm_url *base, const char *reference, struct fm_url *url,
                 struct fm_error *err) FM_MUST_CHECK;
void fm_url_done(struct fm_url *url);

/* Percent-decodes; false on an invalid %zz or an encoded NUL. */
bool fm_url_decode(struct fm_slice in, bool plus_is_space, struct fm_text *out);
/* Appends with everything but RFC 3986's unreserved characters encoded. */
void fm_url_encode(struct fm_slice in, struct fm_text *out);

/* "http://ADDRESS:PORT" of what is listened on, malloc'ed: a wildcard is listened on, but never
 * called. */
char *fm_url_of_listener(const char *listen);

#endif
