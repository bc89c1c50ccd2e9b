/*
 * The checks of a request's head: see gate.h. Framing is checked first: if it fails, nothing later
 * in the stream can be trusted, so the caller ends the connection.
 */
#include "broker/http/gate.h"

#include <string.h>
#include <strings.h>

#include "common/site.h"
#include "common/url.h"

static bool refuse_request(struct fm_error *err, const char *why)
{
    return fm_fail_param(err, FM_INVALID_REQUEST, NULL, "%s", why);
}

/* RFC 9110 §5.6.2. */
static bool is_token(struct fm_slice name)
{
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.data[i];
        bool is_letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!is_letter && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) {
            return false;
        }
    }
    return name.length > 0;
}

static bool is_value(struct fm_slice value)
{
    for (size_t i = 0; i < value.length; i++) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool check_fields(const struct fm_gate_head *head, struct fm_error *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < head->count; i++) {
        bytes += head->headers[i].name.length + head->headers[i].value.length + 4;
    }
    if (head->total > FM_GATE_FIELDS_LIMIT || bytes > FM_GATE_HEADERS_LIMIT) {
        return fm_fail(err, FM_HEADERS_TOO_LARGE, "gate: %zu fields, %zu bytes", head->total,
                       bytes);
    }
    if (!head->is_whole) {
        return refuse_request(err, "The request's head is malformed");
    }
    for (size_t i = 0; i < head->count; i++) {
        if (!is_token(head->headers[i].name)) {
            return refuse_request(err, "A header's name is malformed");
        }
        if (!is_value(head->headers[i].value)) {
            return refuse_request(err, "A header's value has a control byte");
        }
    }
    return true;
}

/* How many fields have that name, and the first one's value. */
static size_t count_fields(const struct fm_gate_head *head, const char *name, const char **value)
{
    size_t found = 0, length = strlen(name);
    for (size_t i = 0; i < head->count; i++) {
        struct fm_slice it = head->headers[i].name;
        if (it.length == length && strncasecmp(it.data, name, length) == 0 && found++ == 0) {
            *value = head->headers[i].value.data;
        }
    }
    return found;
}

static bool check_coding(size_t count, const char *coding, bool has_length, struct fm_error *err)
{
    if (count > 1 || has_length) {
        return refuse_request(err, "The length of the body is given twice");
    }
    if (fm_text_equals_fold(coding, "chunked")) {
        return true;
    }
    return strchr(coding, ',') != NULL
               ? refuse_request(err, "Only Transfer-Encoding: chunked is accepted")
               : fm_fail(err, FM_NOT_IMPLEMENTED, "gate: transfer coding");
}

static bool check_framing(const struct fm_gate_head *head, struct fm_gate_target *target,
                          struct fm_error *err)
{
    const char *length = NULL, *coding = NULL;
    size_t lengths = count_fields(head, "content-length", &length);
    size_t codings = count_fields(head, "transfer-encoding", &coding);
    if (lengths > 1) {
        return refuse_request(err, "The length of the body is given twice");
    }
    target->has_length = lengths > 0;
    target->is_chunked = codings > 0;
    if (lengths > 0 && !fm_text_to_u64(length, 0, UINT64_MAX, &target->content_length)) {
        return refuse_request(err, "Content-Length is not a number");
    }
    return codings == 0 || check_coding(codings, coding, lengths > 0, err);
}

/* "Host:port" without its port, in lower case, cut to `size`. */
static void strip_port(const char *host, char *out, size_t size)
{
    size_t length = host[0] == '[' ? strcspn(host, "]") : strcspn(host, ":");
    size_t from = host[0] == '[' ? 1 : 0;
    size_t i = 0;
    for (; from + i < length && i + 1 < size; i++) {
        char c = host[from + i];
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out[i] = '\0';
}

static bool is_listed(const char *name, const char *list)
{
    size_t length = strlen(name);
    while (*list != '\0') {
        list += strspn(list, ", \t");
        size_t word = strcspn(list, ", \t");
        if (word == length && strncasecmp(list, name, length) == 0) {
            return true;
        }
        list += word;
    }
    return false;
}

/* Guards against DNS rebinding: if names are configured, a page of another site that resolves its
 * own name to this server gets 421. */
static bool is_answered_for(const char *host, const char *hosts, const char *public_url)
{
    char name[256], own[256] = "";
    struct fm_address address;
    const char *after = strstr(public_url, "://");
    strip_port(host, name, sizeof(name));
    if (after != NULL) {
        strip_port(after + 3, own, sizeof(own));
        own[strcspn(own, "/")] = '\0';
    }
    return *hosts == '\0' || fm_address_parse(name, &address) || is_listed(name, hosts) ||
           strcmp(name, own) == 0;
}

static bool is_host(const char *host)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "-._:[]";
    return *host != '\0' && strlen(host) < 256 && host[strspn(host, allowed)] == '\0';
}

static bool check_host(const struct fm_gate_head *head, const char *hosts, const char *public_url,
                       struct fm_gate_target *target, struct fm_error *err)
{
    const char *host = NULL, *authorization = NULL;
    if (count_fields(head, "host", &host) != 1 || !is_host(host)) {
        return refuse_request(err, "There must be exactly one Host header");
    }
    if (count_fields(head, "authorization", &authorization) > 1) {
        return refuse_request(err, "There must be at most one Authorization header");
    }
    target->host = host;
    if (!is_answered_for(host, hosts, public_url)) {
        return fm_fail(err, FM_MISDIRECTED_REQUEST, "gate: host");
    }
    return true;
}

/* An absolute form (RFC 9112 §3.2.2) must name the host of the Host field; what is left is its
 * path. */
static bool strip_origin(const char *raw, const char *host, const char **path, struct fm_error *err)
{
    *path = raw;
    if (raw[0] == '/') {
        return true;
    }
    const char *authority = strstr(raw, "://");
    bool is_http = strncasecmp(raw, "http://", 7) == 0 || strncasecmp(raw, "https://", 8) == 0;
    if (authority == NULL || !is_http) {
        return refuse_request(err, "The request target is not a path");
    }
    authority += 3;
    size_t length = strcspn(authority, "/?");
    if (length != strlen(host) || strncasecmp(authority, host, length) != 0) {
        return fm_fail(err, FM_MISDIRECTED_REQUEST, "gate: absolute form");
    }
    *path = authority[length] == '/' ? authority + length : "/";
    return true;
}

static bool check_bytes(const char *raw, struct fm_error *err)
{
    for (const unsigned char *at = (const unsigned char *)raw; *at != '\0'; at++) {
        if (*at <= 0x20 || *at == 0x7f) {
            return refuse_request(err, "The request target has a control byte or a space");
        }
    }
    return true;
}

/* %00, %2f and %5c, and any invalid %zz. A raw backslash is as bad. */
static bool check_escapes(struct fm_slice path, struct fm_error *err)
{
    for (size_t i = 0; i < path.length; i++) {
        bool is_escape = path.data[i] == '%' && i + 2 < path.length;
        if (path.data[i] == '\\' || (is_escape && (strncasecmp(path.data + i, "%2f", 3) == 0 ||
                                                   strncasecmp(path.data + i, "%5c", 3) == 0))) {
            return refuse_request(err, "The path has an encoded slash or a backslash");
        }
    }
    return true;
}

static bool add_segment(struct fm_slice raw, struct fm_arena *arena, struct fm_gate_target *target,
                        struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    if (!fm_url_decode(raw, false, &text)) {
        return refuse_request(err, "The path has an invalid escape");
    }
    const char *segment = fm_text_get(&text);
    if (strcmp(segment, ".") == 0 || strcmp(segment, "..") == 0) {
        return refuse_request(err, "The path has a dot segment");
    }
    for (const unsigned char *at = (const unsigned char *)segment; *at != '\0'; at++) {
        if (*at < 0x20 || *at == 0x7f) {
            return refuse_request(err, "The path has a control byte");
        }
    }
    if (target->segment_count < FM_GATE_SEGMENTS) {
        target->segments[target->segment_count] = fm_arena_strndup(arena, segment, text.length);
    }
    target->segment_count++;
    return true;
}

/* Forgives a base URL pasted with one slash too many, at the front or at the end. */
static struct fm_slice trim_slashes(const char *path, size_t length)
{
    struct fm_slice inner = {path + 1, length - 1};
    if (inner.length > 0 && inner.data[0] == '/') {
        inner.data++;
        inner.length--;
    }
    if (inner.length > 0 && inner.data[inner.length - 1] == '/') {
        inner.length--;
    }
    return inner;
}

static bool split_path(const char *path, size_t length, struct fm_arena *arena,
                       struct fm_gate_target *target, struct fm_error *err)
{
    struct fm_slice left = trim_slashes(path, length);
    if (!check_escapes(left, err)) {
        return false;
    }
    while (left.length > 0) {
        const char *slash = memchr(left.data, '/', left.length);
        size_t part = slash != NULL ? (size_t)(slash - left.data) : left.length;
        if (!add_segment((struct fm_slice){left.data, part}, arena, target, err)) {
            return false;
        }
        bool is_last = slash == NULL;
        left.data += is_last ? part : part + 1;
        left.length -= is_last ? part : part + 1;
        if (!is_last && left.length == 0) {
            return add_segment(left, arena, target, err);
        }
    }
    return true;
}

/* The query stays raw: its parameters are decoded one by one where they are read. Its escapes are
 * checked here. */
static bool check_query(const char *query, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text decoded = {0};
    return fm_url_decode(fm_slice_of(query), true, &decoded) ||
           refuse_request(err, "The query has an invalid escape");
}

static bool check_target(const struct fm_gate_head *head, struct fm_arena *arena,
                         struct fm_gate_target *target, struct fm_error *err)
{
    const char *path = NULL;
    if (!check_bytes(head->target, err) || !strip_origin(head->target, target->host, &path, err)) {
        return false;
    }
    size_t length = strcspn(path, "?");
    const char *query = strchr(head->target, '?');
    target->path = fm_arena_strndup(arena, path, length);
    target->query = query != NULL ? fm_arena_strndup(arena, query + 1, strlen(query + 1)) : "";
    return check_query(target->query, err) && split_path(target->path, length, arena, target, err);
}

bool fm_gate_check(const struct fm_gate_head *head, const char *hosts, const char *public_url,
                   struct fm_arena *arena, struct fm_gate_target *target, struct fm_error *err)
{
    *target = (struct fm_gate_target){.path = "/", .query = "", .host = ""};
    if (strlen(head->target) > FM_GATE_TARGET_LIMIT) {
        return fm_fail(err, FM_URI_TOO_LONG, "gate: target");
    }
    return check_fields(head, err) && check_framing(head, target, err) &&
           check_host(head, hosts, public_url, target, err) &&
           check_target(head, arena, target, err);
}

bool fm_gate_is_request_id(const char *text)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  "_.:-";
    size_t length = strlen(text);
    return length > 0 && length <= 64 && text[strspn(text, allowed)] == '\0';
}

bool fm_gate_is_api(const struct fm_gate_target *target)
{
    return target->segment_count > 0 && strcmp(target->segments[0], "v1") == 0;
}
