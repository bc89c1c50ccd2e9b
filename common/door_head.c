/* Status lines and header fields, parsed by a table of field names. Unknown fields are skipped. */
#include "common/door_head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/memory.h"
#include "common/url.h"

/* Seconds in a day: a server that asks for a longer pause is asked again after one day. */
#define RETRY_AFTER_LIMIT 86400

/* Makes a server's file name safe for a path and a log: only what follows the last slash or
 * backslash, no control bytes, not "." or "..". */
static void set_file_name(struct fm_door_head *head, const char *name)
{
    char *out = head->answer.file_name;
    size_t length = 0;
    for (; *name != '\0'; name++) {
        unsigned char c = (unsigned char)*name;
        if (c == '/' || c == '\\') {
            length = 0;
        } else if (c >= 0x20 && c != 0x7f && length < sizeof(head->answer.file_name) - 1) {
            out[length++] = *name;
        }
    }
    out[length] = '\0';
    if (strcmp(out, ".") == 0 || strcmp(out, "..") == 0) {
        out[0] = '\0';
    }
}

static void set_decoded_name(struct fm_door_head *head, const char *name)
{
    FM_AUTO(fm_text_done) struct fm_text decoded = {0};
    if (fm_url_decode(fm_slice_of(name), false, &decoded)) {
        set_file_name(head, fm_text_get(&decoded));
    }
}

void fm_door_head_init(struct fm_door_head *head, const char *path)
{
    *head = (struct fm_door_head){.answer = {.length_bytes = -1, .retry_after_seconds = -1},
                                  .announced_bytes = -1};
    const char *slash = strrchr(path, '/');
    set_decoded_name(head, slash == NULL ? path : slash + 1);
}

static void parse_content_type(struct fm_door_head *head, char *value)
{
    snprintf(head->answer.content_type, sizeof(head->answer.content_type), "%s", value);
}

static void parse_etag(struct fm_door_head *head, char *value)
{
    /* A cut ETag would be a different ETag. */
    if (strlen(value) < sizeof(head->answer.etag)) {
        snprintf(head->answer.etag, sizeof(head->answer.etag), "%s", value);
    }
}

static void parse_last_modified(struct fm_door_head *head, char *value)
{
    if (strlen(value) < sizeof(head->answer.last_modified)) {
        snprintf(head->answer.last_modified, sizeof(head->answer.last_modified), "%s", value);
    }
}

static void parse_accept_ranges(struct fm_door_head *head, char *value)
{
    head->answer.accepts_ranges = fm_text_equals_fold(value, "bytes");
}

/* A list of equal lengths counts as one length (RFC 9110 §8.6). Lengths that differ are refused:
 * client and server would disagree on where the body ends. */
static void parse_content_length(struct fm_door_head *head, char *value)
{
    int64_t *length = &head->announced_bytes;
    char *rest = value;
    char *item = NULL;
    while ((item = strsep(&rest, ",")) != NULL) {
        int64_t number = 0;
        item += strspn(item, " \t");
        item[strcspn(item, " \t")] = '\0';
        if (!fm_text_to_i64(item, 0, INT64_MAX, &number) || (*length >= 0 && *length != number)) {
            head->is_refused = true;
            return;
        }
        *length = number;
    }
}

/* Whatever its value, a Transfer-Encoding overrides Content-Length (RFC 9112 §6.3). */
static void parse_transfer_encoding(struct fm_door_head *head, char *value)
{
    (void)value;
    head->is_chunked = true;
}

static void parse_content_encoding(struct fm_door_head *head, char *value)
{
    head->is_encoded = head->is_encoded || !fm_text_equals_fold(value, "identity");
}

static void parse_location(struct fm_door_head *head, char *value)
{
    fm_text_clear(&head->location);
    fm_text_append(&head->location, value);
}

/* Accepts a number of seconds, or a date in the only form that RFC 9110 §5.6.7 lets a server send.
 */
static void parse_retry_after(struct fm_door_head *head, char *value)
{
    int64_t seconds = 0;
    if (!fm_text_to_i64(value, 0, INT64_MAX, &seconds)) {
        struct tm tm = {0};
        const char *end = strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        if (end == NULL || *end != '\0') {
            return;
        }
        seconds = (int64_t)timegm(&tm) - fm_clock_wall_us() / 1000000;
    }
    seconds = seconds < 0 ? 0 : seconds;
    head->answer.retry_after_seconds = seconds > RETRY_AFTER_LIMIT ? RETRY_AFTER_LIMIT : seconds;
}

/* Reads one `name=value` parameter of RFC 6266 and moves *at behind it. The value is unquoted in
 * place. False at the end. */
static bool next_parameter(char **at, char **name, char **value)
{
    char *c = *at + strspn(*at, "; \t");
    *name = c;
    c += strcspn(c, "=;");
    if (*c != '=') {
        return false;
    }
    *c++ = '\0';
    *value = c;
    if (*c != '"') {
        c += strcspn(c, ";");
        *at = *c == '\0' ? c : c + 1;
        *c = '\0';
        (*value)[strcspn(*value, " \t")] = '\0';
        return true;
    }
    char *out = c++;
    while (*c != '\0' && *c != '"') {
        c += *c == '\\' && c[1] != '\0' ? 1 : 0;
        *out++ = *c++;
    }
    *at = *c == '\0' ? c : c + 1;
    *out = '\0';
    return true;
}

/* `filename*` (RFC 8187: charset'language'percent-encoded) wins over `filename`. The charset is not
 * looked at, because RFC 8187 §3.2.1 requires UTF-8. */
static void parse_content_disposition(struct fm_door_head *head, char *value)
{
    char *at = value + strcspn(value, ";");
    char *name = NULL;
    char *text = NULL;
    bool is_extended = false;
    while (next_parameter(&at, &name, &text)) {
        char *quote = strchr(text, '\'');
        char *end = quote == NULL ? NULL : strchr(quote + 1, '\'');
        if (fm_text_equals_fold(name, "filename*") && end != NULL) {
            set_decoded_name(head, end + 1);
            is_extended = true;
        } else if (fm_text_equals_fold(name, "filename") && !is_extended) {
            set_file_name(head, text);
        }
    }
}

struct field {
    const char *name;
    void (*parse)(struct fm_door_head *head, char *value);
};

static const struct field fields[] = {
    {"content-type", parse_content_type},
    {"content-length", parse_content_length},
    {"content-encoding", parse_content_encoding},
    {"content-disposition", parse_content_disposition},
    {"transfer-encoding", parse_transfer_encoding},
    {"etag", parse_etag},
    {"last-modified", parse_last_modified},
    {"accept-ranges", parse_accept_ranges},
    {"location", parse_location},
    {"retry-after", parse_retry_after},
};

static void parse_field(struct fm_door_head *head, char *line)
{
    char *colon = strchr(line, ':');
    if (colon == NULL) {
        return;
    }
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    for (size_t i = 0; i < FM_COUNT(fields); i++) {
        if (fm_text_equals_fold(line, fields[i].name)) {
            fields[i].parse(head, value);
        }
    }
}

/* An empty line ends a head. A 1xx head is interim: the final one follows (RFC 9110 §15.2). */
static void end_head(struct fm_door_head *head)
{
    head->is_complete = head->answer.status >= 200;
    if (head->is_chunked) {
        head->announced_bytes = -1;
    }
    head->answer.length_bytes = head->is_encoded ? -1 : head->announced_bytes;
}

void fm_door_head_parse_line(struct fm_door_head *head, const char *line, size_t length)
{
    if (head->is_complete) {
        return;
    }
    head->size_bytes += length;
    if (head->size_bytes > FM_DOOR_HEAD_LIMIT) {
        head->is_refused = true;
        return;
    }
    while (length > 0 && strchr("\r\n \t", line[length - 1]) != NULL) {
        length--;
    }
    FM_AUTO_FREE char *copy = fm_strndup(line, length);
    if (copy[0] == '\0') {
        end_head(head);
    } else if (strncmp(copy, "HTTP/", 5) == 0) {
        const char *space = strchr(copy, ' ');
        head->answer.status = space == NULL ? 0 : strtol(space, NULL, 10);
    } else {
        parse_field(head, copy);
    }
}

bool fm_door_head_is_redirect(const struct fm_door_head *head)
{
    static const long statuses[] = {301, 302, 303, 307, 308};
    for (size_t i = 0; i < FM_COUNT(statuses); i++) {
        if (head->answer.status == statuses[i]) {
            return head->location.length > 0;
        }
    }
    return false;
}

struct meaning {
    long status;
    enum fm_error_code code;
};

enum fm_error_code fm_door_head_code(const struct fm_door_head *head)
{
    static const struct meaning meanings[] = {
        {401, FM_SOURCE_FORBIDDEN},    {403, FM_SOURCE_FORBIDDEN}, {404, FM_SOURCE_NOT_FOUND},
        {408, FM_SOURCE_TIMEOUT},      {410, FM_SOURCE_NOT_FOUND}, {425, FM_SOURCE_TIMEOUT},
        {429, FM_SOURCE_RATE_LIMITED},
    };
    long status = head->answer.status;
    for (size_t i = 0; i < FM_COUNT(meanings); i++) {
        if (meanings[i].status == status) {
            return meanings[i].code;
        }
    }
    return status >= 500 ? FM_SOURCE_TIMEOUT : FM_SOURCE_BLOCKED;
}

void fm_door_head_done(struct fm_door_head *head)
{
    fm_text_done(&head->location);
}
