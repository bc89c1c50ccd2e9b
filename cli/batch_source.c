/*
 * Reads a file of jobs a line at a time and hands it out in pieces of any size: see batch_source.h.
 * `held` is the queue between the two: lines are appended to it, and read_held() removes them from
 * its front.
 */
#include "cli/batch_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/json.h"
#include "common/memory.h"

#define LINE_LIMIT ((size_t)16 * 1024 * 1024) /* enough for a whole batch as one JSON line */

enum form { NDJSON, JSON, LIST };

struct fm_batch_source {
    FILE *stream;
    char *line; /* allocated by getline(3) */
    size_t line_size;
    enum form form;
    struct fm_text held; /* bytes not sent yet, from `given` on */
    size_t given;
    int64_t bytes, total_bytes; /* read from the file, and its size (0: unknown) */
};

static bool fail_read(struct fm_error *err)
{
    return fm_fail_errno(err, "the job file");
}

/* True with *length 0 at the file's end; false with an error. */
static bool read_line(struct fm_batch_source *source, size_t *length, struct fm_error *err)
{
    errno = 0;
    ssize_t got = getline(&source->line, &source->line_size, source->stream);
    *length = got > 0 ? (size_t)got : 0;
    source->bytes += got > 0 ? got : 0;
    if (got < 0) {
        return ferror(source->stream) == 0 || fail_read(err);
    }
    return *length <= LINE_LIMIT ||
           fm_fail(err, FM_SETTING, "a line is longer than %zu bytes", LINE_LIMIT);
}

/* Appends the line's first word as a fetch job. A comment or a blank line becomes an empty line,
 * which the service skips, so that the lines after it keep their numbers. */
static void put_url(struct fm_batch_source *source, size_t length)
{
    struct fm_json_writer writer = {.out = &source->held};
    char *url = source->line + strspn(source->line, " \t");
    source->line[length] = '\0';
    url[strcspn(url, " \t\r\n")] = '\0';
    if (url[0] != '\0' && url[0] != '#') {
        fm_json_open(&writer, NULL, '{');
        fm_json_put_text(&writer, "url", url);
        fm_json_close(&writer, '}');
    }
    fm_text_append_char(&source->held, '\n');
}

static void put_line(struct fm_batch_source *source, size_t length)
{
    if (source->form == LIST) {
        put_url(source, length);
    } else {
        fm_text_append_bytes(&source->held, source->line, length);
    }
}

/* The format, from the first line that is not blank. A line that is a complete object without
 * "jobs" is one job, hence NDJSON; any other line that begins with a bracket begins a JSON body,
 * which may go on over many lines. */
static enum form form_of(const char *line, size_t length)
{
    FM_AUTO(fm_json_destroy) struct fm_json *json = NULL;
    const char *at = line + strspn(line, " \t\r\n");
    if (*at != '{' && *at != '[') {
        return LIST;
    }
    bool is_object = fm_json_parse((struct fm_slice){line, length}, &json, NULL) &&
                     fm_json_kind(json) == FM_JSON_OBJECT;
    return is_object && fm_json_get(json, "jobs") == NULL ? NDJSON : JSON;
}

static bool is_blank(const char *line)
{
    return line[strspn(line, " \t\r\n")] == '\0';
}

/* Drops a byte order mark, which some Windows programs write before UTF-8 and which is not part of
 * JSON (RFC 8259 §8.1). Returns the line's new length; the NUL behind the line moves along. */
static size_t drop_mark(char *line, size_t length)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (length < 3 || memcmp(line, mark, 3) != 0) {
        return length;
    }
    memmove(line, line + 3, length - 2);
    return length - 3;
}

/* Decides the format and puts the first line into `held`, after the blank lines before it. */
static bool read_first(struct fm_batch_source *source, struct fm_error *err)
{
    size_t length = 0, blank_lines = 0;
    if (!read_line(source, &length, err)) {
        return false;
    }
    length = length > 0 ? drop_mark(source->line, length) : 0;
    while (length > 0 && is_blank(source->line)) {
        blank_lines++;
        if (!read_line(source, &length, err)) {
            return false;
        }
    }
    if (length == 0) {
        return fm_fail(err, FM_SETTING, "the file contains no jobs");
    }
    source->form = form_of(source->line, length);
    for (size_t i = 0; i < blank_lines; i++) {
        fm_text_append_char(&source->held, '\n');
    }
    put_line(source, length);
    return true;
}

bool fm_batch_source_open(const char *path, struct fm_batch_source **source, struct fm_error *err)
{
    struct stat status = {0};
    FILE *stream = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (stream == NULL) {
        return fm_fail_errno(err, path);
    }
    *source = fm_alloc(sizeof(**source));
    (*source)->stream = stream;
    bool is_file = fstat(fileno(stream), &status) == 0 && S_ISREG(status.st_mode);
    (*source)->total_bytes = is_file ? status.st_size : 0;
    if (!read_first(*source, err)) {
        fm_batch_source_close(source);
        return false;
    }
    return true;
}

void fm_batch_source_close(struct fm_batch_source **source)
{
    struct fm_batch_source *it = fm_steal(*source);
    if (it == NULL) {
        return;
    }
    if (it->stream != stdin) {
        (void)fclose(it->stream);
    }
    free(it->line);
    fm_text_done(&it->held);
    free(it);
}

const char *fm_batch_source_type(const struct fm_batch_source *source)
{
    return source->form == JSON ? "application/json" : "application/x-ndjson";
}

void fm_batch_source_progress(const struct fm_batch_source *source, int64_t *bytes,
                              int64_t *total_bytes)
{
    *bytes = source->bytes;
    *total_bytes = source->total_bytes;
}

/* Moves up to `room` bytes from the front of `held` to `out`; returns their number. */
static size_t read_held(struct fm_batch_source *source, char *out, size_t room)
{
    size_t left = source->held.length - source->given;
    size_t length = left < room ? left : room;
    memcpy(out, fm_text_get(&source->held) + source->given, length);
    source->given += length;
    if (source->given == source->held.length) {
        fm_text_clear(&source->held);
        source->given = 0;
    }
    return length;
}

bool fm_batch_source_read(struct fm_batch_source *source, char *out, size_t room, size_t *length,
                          struct fm_error *err)
{
    size_t line_length = 1;
    *length = 0;
    while (source->held.length < room && line_length > 0) {
        if (!read_line(source, &line_length, err)) {
            return false;
        }
        if (line_length > 0) {
            put_line(source, line_length);
        }
    }
    *length = read_held(source, out, room);
    return true;
}
