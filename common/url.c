/* CURLU splits the URL; what CURLU is too lenient about is refused before or after. */
#include "common/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"

#define HOST_LIMIT 253                        /* the longest DNS name as text (RFC 1035 §2.3.4) */
#define JOIN_LIMIT ((size_t)4 * FM_URL_LIMIT) /* a bound before the join; its result is checked */

static bool refuse(struct fm_error *err, const char *why)
{
    return fm_fail_param(err, FM_INVALID_URL, NULL, "%s", why);
}

static void release_curlu(CURLU **handle)
{
    curl_url_cleanup(*handle);
}

static void release_part(char **part)
{
    curl_free(*part);
}

/* A part of the URL, copied so that free() suits all of fm_url; NULL if there is no such part. */
static char *part_of(CURLU *handle, CURLUPart part)
{
    FM_AUTO(release_part) char *text = NULL;
    if (curl_url_get(handle, part, &text, 0) != CURLUE_OK) {
        return NULL;
    }
    return fm_strdup(text);
}

/* Checks that need no parser. CURLU accepts `http:/host`, and parses a user name instead of
 * refusing it. */
static bool check_text(const char *text, struct fm_error *err)
{
    if (strlen(text) > FM_URL_LIMIT) {
        return refuse(err, "The URL is longer than 2,048 bytes");
    }
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c < 0x20 || c == 0x7f || c == '\\') {
            return refuse(err, "The URL contains a control byte or a backslash");
        }
    }
    const char *colon = strstr(text, "://");
    if (colon == NULL || colon[3] == '/') {
        return refuse(err, "The URL must begin with http:// or https://");
    }
    const char *authority = colon + 3;
    size_t length = strcspn(authority, "/?#");
    if (memchr(authority, '@', length) != NULL) {
        return refuse(err, "The URL may not carry a user name or password");
    }
    if (memchr(text, ' ', (size_t)(authority - text) + length) != NULL) {
        return refuse(err, "The URL's host contains a blank");
    }
    return true;
}

/* Writes blanks and bytes beyond ASCII as %XX, as browsers do. */
static void encode_raw(const char *text, struct fm_text *out)
{
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        if (c >= 0x80 || c == ' ') {
            fm_text_format(out, "%%%02X", (unsigned)c);
        } else {
            fm_text_append_char(out, *at);
        }
    }
}

static bool check_host_bytes(const char *host, struct fm_error *err)
{
    for (const char *at = host; *at != '\0'; at++) {
        if ((unsigned char)*at >= 0x80) {
            return refuse(err, "Write the URL's host in its ASCII form (xn--…)");
        }
    }
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
    if (host[strspn(host, allowed)] != '\0') {
        return refuse(err, "The URL's host contains a character that no host name may have");
    }
    size_t length = strlen(host);
    if (length == 0 || length > HOST_LIMIT || host[0] == '.' || host[length - 1] == '.' ||
        strstr(host, "..") != NULL) {
        return refuse(err, "The URL's host is not a valid name");
    }
    return true;
}

static bool is_number(const char *label)
{
    bool is_hex = label[0] == '0' && (label[1] == 'x');
    const char *digits = is_hex ? label + 2 : label;
    return (is_hex || digits[0] != '\0') &&
           digits[strspn(digits, is_hex ? "0123456789abcdef" : "0123456789")] == '\0';
}

/* A host whose last label is a number must be an IPv4 address in one of inet_aton's spellings
 * (0x7f.1, 2130706433): getaddrinfo would take it for one too, so it is judged as one. */
static bool read_v4(struct fm_url *url, struct fm_error *err)
{
    const char *dot = strrchr(url->host, '.');
    struct in_addr v4;
    if (!is_number(dot == NULL ? url->host : dot + 1)) {
        return true;
    }
    char dotted[FM_ADDRESS_TEXT_SIZE];
    if (inet_aton(url->host, &v4) == 0 || inet_ntop(AF_INET, &v4, dotted, sizeof(dotted)) == NULL ||
        !fm_address_parse(dotted, &url->address)) {
        return refuse(err, "The URL's host is not a valid IPv4 address");
    }
    url->is_literal = true;
    return true;
}

static bool read_v6(struct fm_url *url, struct fm_error *err)
{
    size_t length = strlen(url->host);
    url->host[length - 1] = '\0';
    if (!fm_address_parse(url->host + 1, &url->address)) {
        return refuse(err, "The URL's host is not a valid IPv6 address");
    }
    url->is_literal = true;
    return true;
}

static void lower_case(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z') {
            *text = (char)(*text - 'A' + 'a');
        }
    }
}

static bool read_host(CURLU *handle, struct fm_url *url, struct fm_error *err)
{
    FM_AUTO_FREE char *zone = part_of(handle, CURLUPART_ZONEID);
    url->host = part_of(handle, CURLUPART_HOST);
    if (url->host == NULL || zone != NULL) {
        return refuse(err, "The URL has no host, or its host has a zone");
    }
    lower_case(url->host);
    if (url->host[0] == '[') {
        return read_v6(url, err);
    }
    /* A final dot (the DNS root) names the same host. */
    size_t length = strlen(url->host);
    if (length > 1 && url->host[length - 1] == '.') {
        url->host[length - 1] = '\0';
    }
    return check_host_bytes(url->host, err) && read_v4(url, err);
}

static void normalise_literal(struct fm_url *url)
{
    if (url->is_literal) {
        char text[FM_ADDRESS_TEXT_SIZE];
        fm_address_format(&url->address, text);
        free(url->host);
        url->host = fm_strdup(text);
    }
}

static bool read_scheme_and_port(CURLU *handle, struct fm_url *url, struct fm_error *err)
{
    FM_AUTO_FREE char *scheme = part_of(handle, CURLUPART_SCHEME);
    FM_AUTO_FREE char *port = part_of(handle, CURLUPART_PORT);
    uint64_t number = 0;
    url->is_https = scheme != NULL && fm_text_equals_fold(scheme, "https");
    if (scheme == NULL || (!url->is_https && !fm_text_equals_fold(scheme, "http"))) {
        return refuse(err, "The URL must begin with http:// or https://");
    }
    url->port = url->is_https ? 443 : 80;
    if (port != NULL) {
        if (!fm_text_to_u64(port, 1, UINT16_MAX, &number)) {
            return refuse(err, "The URL's port is not valid");
        }
        url->port = (uint16_t)number;
    }
    return true;
}

static void write_origin(struct fm_url *url)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    bool has_brackets = url->is_literal && url->address.family == AF_INET6;
    bool has_port = url->port != (url->is_https ? 443 : 80);
    fm_text_format(&text, has_brackets ? "%s://[%s]" : "%s://%s", url->is_https ? "https" : "http",
                   url->host);
    if (has_port) {
        fm_text_format(&text, ":%u", (unsigned)url->port);
    }
    url->origin = fm_text_take(&text);
}

static bool write_text(struct fm_url *url, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_text_format(&text, "%s%s", url->origin, url->path);
    if (url->query != NULL) {
        fm_text_format(&text, "?%s", url->query);
    }
    if (text.length > FM_URL_LIMIT) {
        return refuse(err, "The URL is longer than 2,048 bytes");
    }
    url->text = fm_text_take(&text);
    return true;
}

static bool read_url(CURLU *handle, struct fm_url *url, struct fm_error *err)
{
    if (!read_scheme_and_port(handle, url, err) || !read_host(handle, url, err)) {
        return false;
    }
    normalise_literal(url);
    url->path = part_of(handle, CURLUPART_PATH);
    url->query = part_of(handle, CURLUPART_QUERY);
    if (url->path == NULL) {
        url->path = fm_strdup("/");
    }
    write_origin(url);
    return write_text(url, err);
}

/* Appends the text without the white space around it, which is easily pasted along. */
static void append_trimmed(const char *text, struct fm_text *out)
{
    static const char white[] = " \t\r\n";
    const char *begin = text + strspn(text, white);
    size_t length = strlen(begin);
    while (length > 0 && strchr(white, begin[length - 1]) != NULL) {
        length--;
    }
    fm_text_append_bytes(out, begin, length);
}

bool fm_url_parse(const char *text, struct fm_url *url, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text trimmed = {0}, ascii = {0};
    FM_AUTO(release_curlu) CURLU *handle = curl_url();
    *url = (struct fm_url){0};
    if (handle == NULL) {
        abort();
    }
    append_trimmed(text, &trimmed);
    if (!check_text(fm_text_get(&trimmed), err)) {
        return false;
    }
    encode_raw(fm_text_get(&trimmed), &ascii);
    CURLUcode code = curl_url_set(handle, CURLUPART_URL, fm_text_get(&ascii), CURLU_PATH_AS_IS);
    if (code == CURLUE_UNSUPPORTED_SCHEME) {
        return refuse(err, "The URL must begin with http:// or https://");
    }
    if (code != CURLUE_OK) {
        return refuse(err, "The URL is not a valid http or https URL");
    }
    if (!read_url(handle, url, err)) {
        fm_url_done(url);
        return false;
    }
    return true;
}

bool fm_url_join(const struct fm_url *base, const char *reference, struct fm_url *url,
                 struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text ascii = {0};
    FM_AUTO(release_curlu) CURLU *handle = curl_url();
    *url = (struct fm_url){0};
    if (handle == NULL) {
        abort();
    }
    if (strlen(reference) > JOIN_LIMIT) {
        return refuse(err, "The URL is longer than 2,048 bytes");
    }
    encode_raw(reference, &ascii);
    if (curl_url_set(handle, CURLUPART_URL, base->text, CURLU_PATH_AS_IS) != CURLUE_OK ||
        curl_url_set(handle, CURLUPART_URL, fm_text_get(&ascii), CURLU_NON_SUPPORT_SCHEME) !=
            CURLUE_OK) {
        return refuse(err, "The URL is not a valid http or https URL");
    }
    FM_AUTO_FREE char *joined = part_of(handle, CURLUPART_URL);
    return joined == NULL ? refuse(err, "The URL is not a valid http or https URL")
                          : fm_url_parse(joined, url, err);
}

void fm_url_done(struct fm_url *url)
{
    free(url->text);
    free(url->origin);
    free(url->host);
    free(url->path);
    free(url->query);
    *url = (struct fm_url){0};
}

/* The value of a hex digit; -1 for any other character. */
static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    const char *found = lower == '\0' ? NULL : strchr(digits, lower);
    return found == NULL ? -1 : (int)(found - digits);
}

bool fm_url_decode(struct fm_slice in, bool plus_is_space, struct fm_text *out)
{
    for (size_t i = 0; i < in.length; i++) {
        char c = in.data[i];
        if (c == '%') {
            int high = i + 2 < in.length ? hex_value(in.data[i + 1]) : -1;
            int low = i + 2 < in.length ? hex_value(in.data[i + 2]) : -1;
            if (high < 0 || low < 0 || high + low == 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        fm_text_append_char(out, c);
    }
    return true;
}

void fm_url_encode(struct fm_slice in, struct fm_text *out)
{
    static const char unreserved[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (size_t i = 0; i < in.length; i++) {
        char c = in.data[i];
        if (c != '\0' && strchr(unreserved, c) != NULL) {
            fm_text_append_char(out, c);
        } else {
            fm_text_format(out, "%%%02X", (unsigned)(unsigned char)c);
        }
    }
}

char *fm_url_of_listener(const char *listen)
{
    FM_AUTO(fm_text_done) struct fm_text url = {0};
    bool is_any = fm_text_starts(listen, "0.0.0.0:") || fm_text_starts(listen, "[::]:");
    fm_text_format(&url, "http://%s%s", is_any ? "127.0.0.1" : "",
                   is_any ? strrchr(listen, ':') : listen);
    return fm_text_take(&url);
}
