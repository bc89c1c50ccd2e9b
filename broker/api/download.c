/*
 * Sends the bytes of an output, by API key (/v1/jobs/{id}/outputs/{name}) or by signed URL
 * (/v1/files/{token}/{name}), with ranges and entity tags.
 * Before: a request with a key, or with a signed URL that is checked here. After: a reply that
 * reads from the store. Owns: the open file, until it is handed to the HTTP server.
 */
#include <stdio.h>
#include <string.h>

#include "broker/api/act.h"
#include "broker/api/job_view.h"
#include "broker/http/range.h"
#include "broker/request/lookup.h"
#include "broker/request/reply.h"
#include "broker/store/store.h"
#include "common/clock.h"
#include "common/file.h"
#include "common/url.h"

enum stage { STAGE_START, STAGE_LOOKUP };

#define TYPE_UNKNOWN "application/octet-stream"

/* One file to send. */
struct parcel {
    struct fm_store_object object;
    const char *content_type;
    const char *file_name; /* the name offered to the client; NULL: name.extension */
    bool has_digest;
    int fd; /* ours until fm_http_reply_file; -1: not open */
    int64_t size_bytes;
};

/* ---- the headers that describe the file ---- */

static const char *type_of_extension(const char *extension)
{
    for (int i = 0; i < FM_FORMAT_COUNT; i++) {
        const struct fm_format_row *row = fm_formats_row((enum fm_format)i);
        if (*row->extension != '\0' && strcmp(row->extension, extension) == 0) {
            return row->content_type;
        }
    }
    return TYPE_UNKNOWN;
}

/* A strong entity tag: the file's SHA-256, or without one its size and the lease that wrote it. */
static void put_tag(const struct parcel *parcel, char out[FM_HASH_HEX_SIZE + 4])
{
    char hex[FM_HASH_HEX_SIZE];
    if (parcel->has_digest) {
        fm_hash_to_hex(parcel->object.sha256, FM_HASH_SIZE, hex);
        snprintf(out, FM_HASH_HEX_SIZE + 4, "\"%s\"", hex);
    } else {
        snprintf(out, FM_HASH_HEX_SIZE + 4, "\"%llx-%016llx\"",
                 (unsigned long long)parcel->size_bytes, (unsigned long long)parcel->object.lease);
    }
}

/* The name offered to the client, which always ends in the file's own extension. */
static void offered_name(const struct parcel *parcel, struct fm_text *out)
{
    const char *extension = parcel->object.extension;
    const char *base = parcel->file_name != NULL ? parcel->file_name : parcel->object.name;
    size_t length = strlen(base), tail = strlen(extension);
    bool has_it = tail > 0 && length > tail && base[length - tail - 1] == '.' &&
                  fm_text_equals_fold(base + length - tail, extension);
    fm_text_append(out, base);
    if (tail > 0 && !has_it) {
        fm_text_format(out, ".%s", extension);
    }
}

/* True for media that a browser may show in place. Any other type is offered for saving, so that an
 * HTML page that was fetched never runs on our origin. */
static bool is_shown(const char *type)
{
    return fm_text_starts(type, "video/") || fm_text_starts(type, "audio/") ||
           strcmp(type, "image/jpeg") == 0 || strcmp(type, "image/png") == 0 ||
           strcmp(type, "image/webp") == 0 || strcmp(type, "image/gif") == 0;
}

/* RFC 6266: a plain ASCII name for old clients, and the true name in UTF-8. */
static void put_disposition(struct fm_http_exchange *exchange, const struct parcel *parcel)
{
    FM_AUTO(fm_text_done) struct fm_text name = {0}, value = {0};
    offered_name(parcel, &name);
    fm_text_format(&value, "%s; filename=\"",
                   is_shown(parcel->content_type) ? "inline" : "attachment");
    for (const char *at = fm_text_get(&name); *at != '\0'; at++) {
        bool is_plain = *at >= 0x20 && *at < 0x7f && *at != '"' && *at != '\\' && *at != '%';
        fm_text_append_char(&value, is_plain ? *at : '_');
    }
    fm_text_append(&value, "\"; filename*=UTF-8''");
    fm_url_encode((struct fm_slice){name.data, name.length}, &value);
    fm_http_header(exchange, "Content-Disposition", fm_text_get(&value));
}

/* ---- sending ---- */

static void put_part(struct fm_http_exchange *exchange, int64_t offset, int64_t length,
                     int64_t size_bytes)
{
    char text[96];
    snprintf(text, sizeof(text), "bytes %lld-%lld/%lld", (long long)offset,
             (long long)(offset + length - 1), (long long)size_bytes);
    fm_http_header(exchange, "Content-Range", text);
}

static enum fm_step refuse_range(struct fm_request *request, struct parcel *parcel)
{
    struct fm_error err = {0};
    char text[48];
    fm_file_close(&parcel->fd);
    snprintf(text, sizeof(text), "bytes */%lld", (long long)parcel->size_bytes);
    fm_http_header(request->exchange, "Content-Range", text);
    fm_fail(&err, FM_RANGE_NOT_SATISFIABLE, "download: range");
    return fm_reply_error(request, &err);
}

/* The security policy forbids a browser to run anything inside a file that it shows. */
static void put_file_headers(struct fm_request *request, const struct parcel *parcel,
                             const char *tag)
{
    struct fm_http_exchange *exchange = request->exchange;
    fm_reply_headers(request);
    fm_http_header(exchange, "ETag", tag);
    fm_http_header(exchange, "Accept-Ranges", "bytes");
    fm_http_header(exchange, "Cache-Control", "private, max-age=3600");
    fm_http_header(exchange, "Content-Security-Policy", "default-src 'none'; sandbox");
    fm_http_header(exchange, "Content-Type", parcel->content_type);
    put_disposition(exchange, parcel);
}

/* The part of the file that the client asked for. HEAD, and an If-Range with another tag, get the
 * whole file (RFC 9110, 13.1.5 and 14.2). */
static enum fm_range find_range(struct fm_request *request, const struct parcel *parcel,
                                const char *tag, int64_t *offset, int64_t *length)
{
    const char *condition = fm_http_find(request->exchange, "if-range");
    bool is_same = condition == NULL || strcmp(condition, tag) == 0;
    bool is_get = strcmp(fm_http_method(request->exchange), "GET") == 0;
    const char *range = is_same && is_get ? fm_http_find(request->exchange, "range") : NULL;
    return fm_range_parse(range, parcel->size_bytes, offset, length);
}

static enum fm_step send_parcel(struct fm_request *request, struct parcel *parcel)
{
    char tag[FM_HASH_HEX_SIZE + 4];
    int64_t offset = 0, length = 0;
    put_tag(parcel, tag);
    const char *known = fm_http_find(request->exchange, "if-none-match");
    if (known != NULL && fm_range_tag_matches(known, tag)) {
        fm_file_close(&parcel->fd);
        fm_http_header(request->exchange, "ETag", tag);
        return fm_reply_empty(request, 304);
    }
    enum fm_range range = find_range(request, parcel, tag, &offset, &length);
    if (range == FM_RANGE_UNSATISFIABLE) {
        return refuse_range(request, parcel);
    }
    put_file_headers(request, parcel, tag);
    if (range == FM_RANGE_PART) {
        put_part(request->exchange, offset, length, parcel->size_bytes);
    }
    fm_http_reply_file(request->exchange, range == FM_RANGE_PART ? 206 : 200, parcel->fd, offset,
                       length);
    return FM_STEP_REPLY;
}

static enum fm_step open_and_send(struct fm_request *request, struct parcel *parcel)
{
    struct fm_error err = {0};
    if (!fm_store_open(request->front->store, &parcel->object, &parcel->fd, &parcel->size_bytes,
                       &err)) {
        return fm_reply_error(request, &err);
    }
    return send_parcel(request, parcel);
}

/* ---- by key, and by signed URL ---- */

static void describe(struct parcel *parcel, const struct fm_job_view *job,
                     const struct fm_file_facts *file)
{
    parcel->object = fm_job_view_object(job, file);
    parcel->content_type = file->content_type != NULL ? file->content_type : TYPE_UNKNOWN;
    parcel->file_name = job->spec.outputs.count <= 1 ? job->spec.filename : NULL;
    parcel->has_digest = file->sha256.length == FM_HASH_SIZE;
}

static bool find_output(struct fm_request *request, const char *name, struct parcel *parcel,
                        struct fm_error *err)
{
    struct fm_job_view job;
    enum fm_state state = request->lookup.found.state;
    if (!fm_state_is_ended(state)) {
        return fm_fail(err, FM_JOB_NOT_FINISHED, "download: %s", fm_state_name(state));
    }
    if (!fm_job_view_read(&request->lookup.found, &request->arena, &job, err)) {
        return false;
    }
    const struct fm_file_facts *file =
        state == FM_STATE_SUCCEEDED ? fm_job_view_output(&job, name) : NULL;
    if (file == NULL) {
        return fm_fail_param(err, FM_NOT_FOUND, NULL, "The job has no such output");
    }
    if (fm_job_view_is_expired(&job, fm_clock_wall_us())) {
        return fm_fail(err, FM_OUTPUT_EXPIRED, "download: expired");
    }
    describe(parcel, &job, file);
    return true;
}

enum fm_step fm_download_output_act(struct fm_request *request)
{
    struct parcel parcel = {.content_type = TYPE_UNKNOWN, .fd = -1};
    struct fm_error err = {0};
    if (!find_output(request, request->values[1], &parcel, &err)) {
        return fm_reply_error(request, &err);
    }
    return open_and_send(request, &parcel);
}

/* A signed URL is enough to get the file, even while the database is down. The job's row, if there
 * is one, only makes the reply better: the exact content type, the file name and the digest. */
static void describe_signed(struct fm_request *request, struct parcel *parcel)
{
    const struct fm_store_object granted = parcel->object;
    struct fm_error err = {0};
    struct fm_job_view job;
    parcel->content_type = type_of_extension(granted.extension);
    if (request->lookup.failure != FM_NONE || !request->lookup.has_job ||
        request->lookup.found.lease != granted.lease ||
        !fm_job_view_read(&request->lookup.found, &request->arena, &job, &err)) {
        return;
    }
    const struct fm_file_facts *file = fm_job_view_output(&job, granted.name);
    if (file != NULL) {
        describe(parcel, &job, file);
    }
}

enum fm_step fm_download_file_act(struct fm_request *request)
{
    struct parcel parcel = {.fd = -1};
    struct fm_error err = {0};
    if (!fm_signed_url_client_check(request->front->signed_url, request->values[0],
                                    request->values[1], fm_clock_wall_us() / 1000000,
                                    &parcel.object, &err)) {
        return fm_reply_error(request, &err);
    }
    if (request->stage == STAGE_START) {
        request->stage = STAGE_LOOKUP;
        request->lookup.account = parcel.object.account;
        return fm_lookup_start(request, &parcel.object.job);
    }
    describe_signed(request, &parcel);
    return open_and_send(request, &parcel);
}
