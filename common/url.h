/*
 * The only parser of URLs in the services (CURLU behind it), so that what was checked is what is
 * fetched. Accepts http and https, no user name, no control byte, no backslash, at most 2,048
 * bytes; the host becomes lower case and normalised (an IPv4 address in any spelling becomes dotted
 * decimal).
 * May not: connect, resolve. Linked into the broker, the transfer child and the CLI, never into the
 * worker daemon, which has no libcurl.
 * Threads: any.
 */
#ifndef FM_COMMON_URL_H
#define FM_COMMON_URL_H

#include "common/address.h"
#include "common/error.h"
#include "common/text.h"

#define FM_URL_LIMIT 2048

struct fm_url {
    char *text;    /* the whole URL, normalised, without fragment */
    char *origin;  /* "https://host:port", the port only if not the scheme's default */
    char *host;    /* lower case, no final dot; IPv6 without brackets */
    char *path;    /* as sent, at least "/" */
    char *query;   /* without '?', or NULL */
    uint16_t port; /* as given, else the scheme's default */
    bool is_https;
    bool is_literal; /* the host is an address, and `address` has it */
    struct fm_address address;
};

/* Parses a URL; white space around it is dropped. INVALID_URL on failure, with a message for the
 * client; `url` is empty then and needs no fm_url_done. */
bool fm_url_parse(const char *text, struct fm_url *url, struct fm_error *err) FM_MUST_CHECK;
/* Resolves a reference (a redirect's Location, a line of a playlist) against the URL it was found
 * at, then parses the result under the same rules. Blanks and non-ASCII bytes are percent-encoded,
 * as browsers do. */
bool fm_url_join(const struct fm_url *base, const char *reference, struct fm_url *url,
                 struct fm_error *err) FM_MUST_CHECK;
/* Frees and zeroes; may be called again. */
void fm_url_done(struct fm_url *url);

/* Appends the percent-decoded text; false, with part of it appended, on an invalid %zz or an
 * encoded NUL. */
bool fm_url_decode(struct fm_slice in, bool plus_is_space, struct fm_text *out);
/* Appends the text with every byte percent-encoded but the unreserved ones (RFC 3986 §2.3). */
void fm_url_encode(struct fm_slice in, struct fm_text *out);

/* The URL by which this host reaches a listener given as ADDRESS:PORT: "http://ADDRESS:PORT", with
 * 127.0.0.1 for a wildcard address, to which nobody can connect portably. Malloc'ed. */
char *fm_url_of_listener(const char *listen);

#endif
