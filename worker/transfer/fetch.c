/* One GET into the spool, tried again a few times, and the facts that came with it. */
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

#define STALL_MS 30000
#define TRIES 3
#define FIRST_PAUSE_MS 500 /* doubles with each try */
#define BREATH_MS 100
#define HEADERS_LIMIT 20 /* spec.def */

/* One try. */
struct attempt {
    struct fm_line *line;
    struct fm_spool *spool;
    int64_t max_bytes;
    int64_t total_bytes; /* -1: not told */
    struct fm_eta eta;
    int64_t next_breath_ms;
};

/* ---- what the answer tells ---- */

/* Media types whose files have a usual extension: the first row of a type is the one to give. */
static const struct {
    const char *content_type;
    const char *extension;
} kinds[] = {
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

static const char *extension_of_type(const char *content_type)
{
    char bare[sizeof(((struct fm_door_answer *)NULL)->content_type)];
    snprintf(bare, sizeof(bare), "%s", content_type);
    bare[strcspn(bare, "; \t")] = '\0';
    for (size_t i = 0; i < FM_COUNT(kinds); i++) {
        if (fm_text_equals_fold(kinds[i].content_type, bare)) {
            return kinds[i].extension;
        }
    }
    return NULL;
}

static bool is_known_extension(const char *extension)
{
    for (size_t i = 0; i < FM_COUNT(kinds); i++) {
        if (strcmp(kinds[i].extension, extension) == 0) {
            return true;
        }
    }
    return false;
}

/* Copies what stands behind the last dot, in lower case; false if that is no extension. */
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
    /* "download.php" of type video/mp4 is an mp4: a name we do not know gives way to the type. */
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

static void tell_progress(struct attempt *attempt)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_PROGRESS);
    struct fm_progress *progress = &message.progress;
    int64_t done = attempt->spool->size_bytes;
    int64_t total = attempt->total_bytes;
    fm_eta_note(&attempt->eta, fm_clock_ms(), (double)done, (double)total);
    progress->stage = FM_STAGE_DOWNLOAD;
    progress->downloaded_bytes = (uint64_t)done;
    if (total > 0 && done <= total) {
        progress->total_bytes = (uint64_t)total;
        progress->percent = 100.0 * (double)done / (double)total;
        progress->eta_seconds = fm_eta_left(&attempt->eta);
    }
    fm_line_progress(attempt->line, progress);
    fm_message_done(&message);
}

/* What has to go on while bytes flow: the worker is heard, and hears. */
static bool breathe(void *context, struct fm_error *err)
{
    struct attempt *attempt = context;
    int64_t now_ms = fm_clock_ms();
    if (now_ms < attempt->next_breath_ms) {
        return true;
    }
    attempt->next_breath_ms = now_ms + BREATH_MS;
    tell_progress(attempt);
    return fm_line_rest(attempt->line, 0, err);
}

static bool take_body(void *context, const char *bytes, size_t length, struct fm_error *err)
{
    fm_fault("download");
    struct attempt *attempt = context;
    return fm_spool_append(attempt->spool, bytes, length, err) && breathe(attempt, err);
}

/* The door judges status and length itself, after this. */
static bool take_head(void *context, const struct fm_door_answer *answer, struct fm_error *err)
{
    struct attempt *attempt = context;
    (void)err;
    attempt->total_bytes = answer->length_bytes;
    return true;
}

/* The client's headers, as the door takes them. */
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

/* A door a try: it starts without connections, and by what is allowed now. */
static bool get_once(struct attempt *attempt, const struct fm_spec *spec,
                     struct fm_door_answer *answer, struct fm_error *err)
{
    struct fm_door_header headers[HEADERS_LIMIT];
    FM_AUTO(fm_door_destroy) struct fm_door *door = fm_line_untrusted_door(attempt->line);
    const struct fm_door_request request = {
        .method = "GET",
        .url = spec->url,
        .headers = headers,
        .header_count = collect_headers(spec, headers),
        .max_bytes = attempt->max_bytes,
        .deadline_ms = attempt->line->deadline_ms,
        .stall_ms = STALL_MS,
        .body_fd = -1,
        .context = attempt,
        .on_head = take_head,
        .on_body = take_body,
        .on_tick = breathe,
    };
    attempt->eta = (struct fm_eta){0};
    attempt->total_bytes = -1;
    if (!fm_spool_begin(attempt->spool, err) || !fm_door_perform(door, &request, answer, err)) {
        return false;
    }
    if (attempt->spool->size_bytes == 0) {
        return fm_fail(err, FM_NO_MEDIA_FOUND, "the source is empty");
    }
    return true;
}

/* ---- all tries ---- */

/* True if another try is worth it; the pause before it has then passed. False leaves in `err` what
 * the fetch fails with. */
static bool pause_after(struct attempt *attempt, int try, struct fm_error *err)
{
    int64_t now_ms = fm_clock_ms();
    int64_t until_ms = now_ms + ((int64_t)FIRST_PAUSE_MS << try);
    if (err->code != FM_SOURCE_TIMEOUT && err->code != FM_SOURCE_TRUNCATED) {
        return false;
    }
    if (now_ms >= attempt->line->deadline_ms) {
        return fm_fail(err, FM_DEADLINE_EXCEEDED, "fetch: %s", err->detail);
    }
    if (try + 1 >= TRIES || until_ms >= attempt->line->deadline_ms) {
        return false;
    }
    fm_log(FM_LOG_DEBUG, "fetch_again", "try=%d error=%s", try + 1,
           fm_error_row(err->code)->public_code);
    return fm_line_rest(attempt->line, until_ms, err);
}

static bool get(struct attempt *attempt, const struct fm_spec *spec, struct fm_door_answer *answer,
                struct fm_error *err)
{
    struct fm_error why;
    for (int try = 0;; try++) {
        *answer = (struct fm_door_answer){0};
        if (get_once(attempt, spec, answer, &why)) {
            return true;
        }
        if (!pause_after(attempt, try, &why)) {
            return fm_fail(err, why.code, "%s", why.detail);
        }
    }
}

static bool send_source(struct attempt *attempt, const struct fm_spec *spec,
                        const struct fm_door_answer *answer, struct fm_error *err)
{
    FM_AUTO(fm_file_close) int fd = -1;
    struct fm_fetch_facts texts;
    struct fm_source_facts facts;
    struct fm_message message;
    if (!fm_spool_share(attempt->spool, &fd, err)) {
        return false;
    }
    fm_fetch_describe(answer, &texts);
    fm_pack_defaults(&fm_record_source_facts, &facts);
    facts.title = texts.title[0] != '\0' ? texts.title : NULL;
    facts.extension = texts.extension[0] != '\0' ? texts.extension : NULL;
    facts.content_type = texts.content_type[0] != '\0' ? texts.content_type : NULL;
    facts.webpage_url = spec->url;
    facts.size_bytes = (uint64_t)attempt->spool->size_bytes;
    fm_message_init(&message, FM_MESSAGE_SOURCE);
    message.source.generation = attempt->spool->generation;
    message.source.facts = &facts;
    bool is_sent = fm_line_send(attempt->line, &message, fd, err);
    fm_message_done(&message);
    return is_sent;
}

static bool send_complete(struct attempt *attempt, struct fm_error *err)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_COMPLETE);
    fm_fault("complete_untold");
    message.complete.generation = attempt->spool->generation;
    message.complete.size_bytes = (uint64_t)attempt->spool->size_bytes;
    bool is_sent = fm_line_send(attempt->line, &message, -1, err);
    fm_message_done(&message);
    return is_sent;
}

/* The host alone: a path or query may carry what is nobody's business. */
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
    struct attempt attempt = {.line = line, .spool = &spool};
    if (spec->site != FM_SITE_URL) {
        return fm_fail(err, FM_RESOLVER_UNAVAILABLE, "site %u", (unsigned)spec->site);
    }
    if (spec->url == NULL || fetch->directory == NULL) {
        return fm_fail(err, FM_PROTOCOL, "FETCH without url or directory");
    }
    attempt.max_bytes =
        fetch->max_source_bytes > INT64_MAX ? INT64_MAX : (int64_t)fetch->max_source_bytes;
    log_host(spec);
    return fm_spool_open(&spool, fetch->directory, err) && get(&attempt, spec, &answer, err) &&
           send_source(&attempt, spec, &answer, err) && send_complete(&attempt, err);
}
