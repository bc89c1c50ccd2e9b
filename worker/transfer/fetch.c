/*
 * One GET into the spool, with a few tries, and the facts that came with the response. Every try
 * starts from the first byte, in an empty file.
 */
#include "worker/transfer/fetch.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/eta.h"
#include "common/fault.h"
#include "common/log.h"
#include "common/memory.h"
#include "common/url.h"
#include "common/utf8.h"
#include "worker/transfer/spool.h"

/* A try ends after this long without a byte. */
#define STALL_MS 30000
#define TRIES 3
/* The pause before the second try; it doubles with each one. */
#define FIRST_PAUSE_MS 500
/* How often the channel is served while bytes come in. */
#define LINE_INTERVAL_MS 100
/* The most headers a spec may have (proto/spec.def). */
#define HEADERS_LIMIT 20

/* The download: what all tries share, and the numbers of the present try. */
struct download {
    struct fm_line *line;
    struct fm_spool *spool;
    int64_t max_bytes;
    int64_t total_bytes; /* the Content-Length; -1: the server sent none */
    struct fm_eta eta;
    int64_t next_line_ms; /* when the channel is served next */
};

/* ---- facts from the response ---- */

/* Media types and the extensions their files usually have. The first row of a type gives the
 * extension for it; a file name may have any of them. */
static const struct {
    const char *content_type;
    const char *extension;
} media_types[] = {
    {"video/mp4", "mp4"},        {"video/mp4", "m4v"},       {"video/webm", "webm"},
    {"video/x-matroska", "mkv"}, {"video/quicktime", "mov"}, {"video/mp2t", "ts"},
    {"video/mpeg", "mpg"},       {"video/x-msvideo", "avi"}, {"video/x-flv", "flv"},
    {"video/ogg", "ogv"},        {"video/3gpp", "3gp"},      {"audio/mpeg", "mp3"},
    {"audio/mp4", "m4a"},        {"audio/x-m4a", "m4a"},     {"audio/aac", "aac"},
    {"audio/ogg", "ogg"},        {"audio/ogg", "opus"},      {"audio/flac", "flac"},
    {"audio/x-flac", "flac"},    {"audio/wav", "wav"},       {"audio/x-wav", "wav"},
    {"audio/webm", "weba"},      {"image/jpeg", "jpg"},      {"image/jpeg", "jpeg"},
    {"image/png", "png"},        {"image/webp", "webp"},     {"image/gif", "gif"},
    {"image/avif", "avif"},      {"application/pdf", "pdf"}, {"text/html", "html"},
    {"text/vtt", "vtt"},         {"application/zip", "zip"}, {"application/json", "json"},
};

/* NULL for a type that is not in the table. Parameters after a ";" are ignored. */
static const char *extension_of_type(const char *content_type)
{
    char bare[sizeof(((struct fm_door_answer *)NULL)->content_type)];
    snprintf(bare, sizeof(bare), "%s", content_type);
    bare[strcspn(bare, "; \t")] = '\0';
    for (size_t i = 0; i < FM_COUNT(media_types); i++) {
        if (fm_text_equals_fold(media_types[i].content_type, bare)) {
            return media_types[i].extension;
        }
    }
    return NULL;
}

static bool is_known_extension(const char *extension)
{
    for (size_t i = 0; i < FM_COUNT(media_types); i++) {
        if (strcmp(media_types[i].extension, extension) == 0) {
            return true;
        }
    }
    return false;
}

/* Copies what follows the last dot, in lower case. False if that is not an extension: empty, longer
 * than 8 characters, or with other characters than letters and digits. */
static bool split_extension(const char *file_name, char out[9])
{
    const char *dot = strrchr(file_name, '.');
    size_t length = dot == NULL || dot == file_name ? 0 : strlen(dot + 1);
    if (length == 0 || length > 8) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        char c = dot[1 + i];
        c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9')) {
            out[0] = '\0';
            return false;
        }
        out[i] = c;
    }
    out[length] = '\0';
    return true;
}

void fm_fetch_describe(const struct fm_door_answer *answer, struct fm_fetch_facts *facts)
{
    *facts = (struct fm_fetch_facts){0};
    char named[9] = "";
    bool is_named = split_extension(answer->file_name, named);
    const char *typed = extension_of_type(answer->content_type);
    /* "download.php" of type video/mp4 is an mp4: the type wins over an extension that is not in
     * the table. */
    const char *extension = named;
    if (typed != NULL && !(is_named && is_known_extension(named))) {
        extension = typed;
    }
    snprintf(facts->extension, sizeof(facts->extension), "%s", extension);
    snprintf(facts->title, sizeof(facts->title), "%s", answer->file_name);
    if (is_named) {
        *strrchr(facts->title, '.') = '\0';
    }
    snprintf(facts->content_type, sizeof(facts->content_type), "%s", answer->content_type);
    fm_utf8_clean(facts->title, FM_UTF8_NO_CONTROLS);
    fm_utf8_clean(facts->content_type, FM_UTF8_NO_CONTROLS);
}

/* ---- one try ---- */

static void report_progress(struct download *download)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_PROGRESS);
    struct fm_progress *progress = &message.progress;
    int64_t done = download->spool->size_bytes;
    int64_t total = download->total_bytes;
    fm_eta_note(&download->eta, fm_clock_ms(), (double)done, (double)total);
    progress->stage = FM_STAGE_DOWNLOAD;
    progress->downloaded_bytes = (uint64_t)done;
    if (total > 0 && done <= total) {
        progress->total_bytes = (uint64_t)total;
        progress->percent = 100.0 * (double)done / (double)total;
        progress->eta_seconds = fm_eta_left(&download->eta);
    }
    fm_line_progress(download->line, progress);
    fm_message_done(&message);
}

/* While bytes come in: sends progress and handles the worker's messages, of which only ORIGINS may
 * come. curl calls this also while nothing comes in. */
static bool serve_line(void *context, struct fm_error *err)
{
    struct download *download = context;
    int64_t now_ms = fm_clock_ms();
    if (now_ms < download->next_line_ms) {
        return true;
    }
    download->next_line_ms = now_ms + LINE_INTERVAL_MS;
    report_progress(download);
    return fm_line_wait(download->line, 0, err);
}

static bool write_body(void *context, const char *bytes, size_t length, struct fm_error *err)
{
    fm_fault("download");
    struct download *download = context;
    return fm_spool_append(download->spool, bytes, length, err) && serve_line(download, err);
}

/* The door checks status and length itself after this. */
static bool note_length(void *context, const struct fm_door_answer *answer, struct fm_error *err)
{
    struct download *download = context;
    (void)err;
    download->total_bytes = answer->length_bytes;
    return true;
}

/* The headers that the client wants sent, in the form the door takes. They point into the spec. */
static size_t collect_headers(const struct fm_spec *spec, struct fm_door_header *headers)
{
    const struct fm_spec_header *given = spec->headers.items;
    size_t count = 0;
    for (size_t i = 0; i < spec->headers.count && count < HEADERS_LIMIT; i++) {
        if (given[i].name != NULL) {
            const char *value = given[i].value != NULL ? given[i].value : "";
            headers[count++] = (struct fm_door_header){given[i].name, value};
        }
    }
    return count;
}

/* Each try has a door of its own, so that it uses no old connection and obeys the policy of now. */
static bool get_source_once(struct download *download, const struct fm_spec *spec,
                            struct fm_door_answer *answer, struct fm_error *err)
{
    struct fm_door_header headers[HEADERS_LIMIT];
    FM_AUTO(fm_door_destroy) struct fm_door *door = fm_line_untrusted_door(download->line);
    const struct fm_door_request request = {
        .method = "GET",
        .url = spec->url,
        .headers = headers,
        .header_count = collect_headers(spec, headers),
        .max_bytes = download->max_bytes,
        .deadline_ms = download->line->deadline_ms,
        .stall_ms = STALL_MS,
        .body_fd = -1,
        .context = download,
        .on_head = note_length,
        .on_body = write_body,
        .on_tick = serve_line,
    };
    download->eta = (struct fm_eta){0};
    download->total_bytes = -1;
    if (!fm_spool_begin(download->spool, err) || !fm_door_perform(door, &request, answer, err)) {
        return false;
    }
    if (download->spool->size_bytes == 0) {
        return fm_fail(err, FM_NO_MEDIA_FOUND, "the source is empty");
    }
    return true;
}

/* ---- all tries ---- */

/* `err` holds the error of this try. True if another try is worth it; then the pause before it is
 * over. False: the fetch fails with what `err` holds now. */
static bool pause_before_retry(struct download *download, int try, struct fm_error *err)
{
    int64_t now_ms = fm_clock_ms();
    int64_t until_ms = now_ms + ((int64_t)FIRST_PAUSE_MS << try);
    if (err->code != FM_SOURCE_TIMEOUT && err->code != FM_SOURCE_TRUNCATED) {
        return false;
    }
    if (now_ms >= download->line->deadline_ms) {
        return fm_fail(err, FM_DEADLINE_EXCEEDED, "fetch: %s", err->detail);
    }
    if (try + 1 >= TRIES || until_ms >= download->line->deadline_ms) {
        return false;
    }
    fm_log(FM_LOG_DEBUG, "fetch_again", "try=%d error=%s", try + 1,
           fm_error_row(err->code)->public_code);
    return fm_line_wait(download->line, until_ms, err);
}

static bool get_source(struct download *download, const struct fm_spec *spec,
                       struct fm_door_answer *answer, struct fm_error *err)
{
    struct fm_error why;
    for (int try = 0;; try++) {
        *answer = (struct fm_door_answer){0};
        if (get_source_once(download, spec, answer, &why)) {
            return true;
        }
        if (!pause_before_retry(download, try, &why)) {
            return fm_fail(err, why.code, "%s", why.detail);
        }
    }
}

static bool send_source(struct download *download, const struct fm_spec *spec,
                        const struct fm_door_answer *answer, struct fm_error *err)
{
    FM_AUTO(fm_file_close) int fd = -1;
    struct fm_fetch_facts texts;
    struct fm_source_facts facts;
    struct fm_message message;
    if (!fm_spool_share(download->spool, &fd, err)) {
        return false;
    }
    fm_fetch_describe(answer, &texts);
    fm_pack_defaults(&fm_record_source_facts, &facts);
    facts.title = texts.title[0] != '\0' ? texts.title : NULL;
    facts.extension = texts.extension[0] != '\0' ? texts.extension : NULL;
    facts.content_type = texts.content_type[0] != '\0' ? texts.content_type : NULL;
    facts.webpage_url = spec->url;
    facts.size_bytes = (uint64_t)download->spool->size_bytes;
    fm_message_init(&message, FM_MESSAGE_SOURCE);
    message.source.generation = download->spool->generation;
    message.source.facts = &facts;
    bool is_sent = fm_line_send(download->line, &message, fd, err);
    fm_message_done(&message);
    return is_sent;
}

static bool send_complete(struct download *download, struct fm_error *err)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_COMPLETE);
    fm_fault("complete_untold");
    message.complete.generation = download->spool->generation;
    message.complete.size_bytes = (uint64_t)download->spool->size_bytes;
    bool is_sent = fm_line_send(download->line, &message, -1, err);
    fm_message_done(&message);
    return is_sent;
}

/* Logs the host alone: a path or a query may contain secrets. */
static void log_host(const struct fm_spec *spec)
{
    struct fm_url url;
    struct fm_error ignored;
    if (fm_url_parse(spec->url, &url, &ignored)) {
        fm_log(FM_LOG_DEBUG, "fetch_started", "host=%s", url.host);
        fm_url_done(&url);
    }
}

bool fm_fetch_run(struct fm_line *line, const struct fm_fetch *fetch, const struct fm_spec *spec,
                  struct fm_error *err)
{
    FM_AUTO(fm_spool_done) struct fm_spool spool = {.directory_fd = -1, .fd = -1};
    struct fm_door_answer answer;
    struct download download = {.line = line, .spool = &spool};
    if (spec->site != FM_SITE_URL) {
        return fm_fail(err, FM_RESOLVER_UNAVAILABLE, "site %u", (unsigned)spec->site);
    }
    if (spec->url == NULL || fetch->directory == NULL) {
        return fm_fail(err, FM_PROTOCOL, "FETCH lacks the URL or the directory");
    }
    download.max_bytes =
        fetch->max_source_bytes > INT64_MAX ? INT64_MAX : (int64_t)fetch->max_source_bytes;
    log_host(spec);
    return fm_spool_open(&spool, fetch->directory, err) &&
           get_source(&download, spec, &answer, err) &&
           send_source(&download, spec, &answer, err) && send_complete(&download, err);
}
