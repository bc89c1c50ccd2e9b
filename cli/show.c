/*
 * Formats a job for a person: see show.h. Everything up to the last part is pure text; that part
 * draws on stderr, so that stdout holds results only.
 */
#include "cli/show.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/memory.h"
#include "common/utf8.h"

#define BAR_WIDTH 24
#define BAR_LEAST_COLUMNS 60u /* narrower: no bar, the numbers alone */
#define COLUMNS_UNKNOWN 80u   /* assumed when the terminal does not report its width */
#define NAME_LIMIT 100u       /* bytes of a file name before its extension */
#define EXTENSION_LIMIT 8u    /* bytes; a longer tail is no extension */
#define MINUTE 60.0

/* ---- small texts ---- */

void fm_show_clean(const char *text, struct fm_text *out)
{
    size_t from = out->length;
    fm_text_append(out, text);
    fm_utf8_clean(out->data + from, FM_UTF8_NO_CONTROLS);
}

/* The unit for `bytes`; a pair "1.0 of 2.5 MB" uses the unit of its larger number. */
static const char *unit_of(int64_t bytes, double *divisor)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    size_t i = 0;
    *divisor = 1;
    while (i + 1 < FM_COUNT(units) && (double)bytes / *divisor >= 1000) {
        *divisor *= 1000;
        i++;
    }
    return units[i];
}

static void put_amount(int64_t bytes, double divisor, struct fm_text *out)
{
    fm_text_format(out, divisor > 1 ? "%.1f" : "%.0f", (double)bytes / divisor);
}

void fm_show_bytes(int64_t bytes, struct fm_text *out)
{
    double divisor;
    const char *unit = unit_of(bytes, &divisor);
    put_amount(bytes, divisor, out);
    fm_text_format(out, " %s", unit);
}

static void put_seconds(double seconds, struct fm_text *out)
{
    if (seconds < MINUTE) {
        fm_text_format(out, "%.0f s", seconds);
    } else if (seconds < MINUTE * MINUTE) {
        fm_text_format(out, "%.0f min", seconds / MINUTE);
    } else {
        fm_text_format(out, "%.1f h", seconds / MINUTE / MINUTE);
    }
}

/* ---- reading a job ---- */

/* The member's number, or `otherwise` when it is absent, null or not a number. */
static double number_or(const struct fm_json *object, const char *name, double otherwise)
{
    const struct fm_json *value = fm_json_get(object, name);
    bool is_number = value != NULL && (fm_json_kind(value) == FM_JSON_INTEGER ||
                                       fm_json_kind(value) == FM_JSON_REAL);
    return is_number ? fm_json_double(value) : otherwise;
}

/* The member's integer; 0 when it is absent or negative. */
static int64_t amount(const struct fm_json *object, const char *name)
{
    int64_t value = fm_json_integer(fm_json_get(object, name));
    return value > 0 ? value : 0;
}

static const char *text_of(const struct fm_json *object, const char *name)
{
    return fm_json_text(fm_json_get(object, name));
}

void fm_show_read(const struct fm_json *json, struct fm_show_job *job)
{
    const struct fm_json *progress = fm_json_get(json, "progress");
    *job = (struct fm_show_job){
        .id = text_of(json, "id"),
        .status = text_of(json, "status"),
        .stage = text_of(progress, "stage"),
        .reason = text_of(fm_json_get(json, "queue"), "reason"),
        .is_done = fm_json_bool(fm_json_get(json, "done")),
        .has_succeeded = strcmp(text_of(json, "status"), "succeeded") == 0,
        .percent = number_or(progress, "percent", -1),
        .eta_seconds = number_or(progress, "eta_seconds", -1),
        .speed = number_or(progress, "speed", -1),
        .downloaded_bytes = amount(progress, "downloaded_bytes"),
        .total_bytes = amount(progress, "total_bytes"),
        .frames = amount(progress, "frames"),
    };
    if (job->percent > 100) {
        job->percent = 100;
    }
}

/* ---- one line ---- */

static void put_gap(struct fm_text *out)
{
    if (out->length > 0) {
        fm_text_append(out, "  ");
    }
}

/* A total below the bytes already here was a wrong guess of the source: it is left out. */
static void put_transfer(const struct fm_show_job *job, struct fm_text *out)
{
    double divisor;
    if (job->downloaded_bytes == 0) {
        return;
    }
    put_gap(out);
    if (job->total_bytes < job->downloaded_bytes) {
        fm_show_bytes(job->downloaded_bytes, out);
        return;
    }
    const char *unit = unit_of(job->total_bytes, &divisor);
    put_amount(job->downloaded_bytes, divisor, out);
    fm_text_append(out, " of ");
    put_amount(job->total_bytes, divisor, out);
    fm_text_format(out, " %s", unit);
}

/* Percent, bytes or frames, speed and time left; each only where it is known. */
static void put_numbers(const struct fm_show_job *job, struct fm_text *out)
{
    if (job->percent >= 0) {
        fm_text_format(out, "%3.0f %%", job->percent);
    }
    if (job->frames > 0) {
        put_gap(out);
        fm_text_format(out, "frame %lld", (long long)job->frames);
    } else {
        put_transfer(job, out);
    }
    if (job->speed > 0) {
        put_gap(out);
        fm_text_format(out, "%.1fx", job->speed);
    }
    if (job->eta_seconds >= 0) {
        put_gap(out);
        put_seconds(job->eta_seconds, out);
        fm_text_append(out, " left");
    }
}

/* The stage while the job runs, else the status, with the reason for waiting. */
static void put_state(const struct fm_show_job *job, struct fm_text *out)
{
    bool is_running = strcmp(job->status, "running") == 0;
    fm_show_clean(is_running && job->stage[0] != '\0' ? job->stage : job->status, out);
    if (!is_running && job->reason[0] != '\0') {
        fm_text_append(out, " (");
        fm_show_clean(job->reason, out);
        fm_text_append(out, ")");
    }
}

void fm_show_line(const struct fm_show_job *job, struct fm_text *out)
{
    FM_AUTO(fm_text_done) struct fm_text numbers = {0};
    put_state(job, out);
    if (!job->is_done) {
        put_numbers(job, &numbers);
    }
    if (numbers.length > 0) {
        fm_text_format(out, "  %s", fm_text_get(&numbers));
    }
}

static void put_bar(double percent, struct fm_text *out)
{
    int full = percent < 0 ? 0 : (int)(percent / 100 * BAR_WIDTH + 0.5);
    fm_text_append_char(out, '[');
    for (int i = 0; i < BAR_WIDTH; i++) {
        fm_text_append_char(out, i < full ? '#' : '-');
    }
    fm_text_append(out, "]  ");
}

void fm_show_bar(const struct fm_show_job *job, unsigned columns, struct fm_text *out)
{
    FM_AUTO(fm_text_done) struct fm_text line = {0}, state = {0};
    put_state(job, &state);
    fm_text_format(&line, "%-9s ", fm_text_get(&state));
    if (columns >= BAR_LEAST_COLUMNS && !job->is_done) {
        put_bar(job->percent, &line);
    }
    if (!job->is_done) {
        FM_AUTO(fm_text_done) struct fm_text numbers = {0};
        put_numbers(job, &numbers);
        fm_text_append(&line, fm_text_get(&numbers));
    }
    size_t length = line.length < columns ? line.length : columns;
    while (length > 0 && line.data[length - 1] == ' ') {
        length--;
    }
    fm_text_append_bytes(out, line.data, length);
}

/* ---- the whole job ---- */

static void put_source(const struct fm_json *json, struct fm_text *out)
{
    const struct fm_json *source = fm_json_get(json, "source");
    const char *title = text_of(source, "title");
    const char *address = text_of(fm_json_get(json, "input"), "url");
    double seconds = number_or(source, "duration_seconds", -1);
    fm_text_append(out, "  source  ");
    fm_show_clean(title[0] != '\0' ? title : address, out);
    if (seconds > 0) {
        fm_text_format(out, "  %.1f s", seconds);
    }
    fm_text_append_char(out, '\n');
}

/* The frame rate is left out for a still picture. */
static void put_video(const struct fm_json *video, bool is_moving, struct fm_text *out)
{
    double rate = is_moving ? number_or(video, "frame_rate", 0) : 0;
    fm_text_append(out, "  ");
    fm_show_clean(text_of(video, "codec"), out);
    fm_text_format(out, " %lldx%lld", (long long)amount(video, "width"),
                   (long long)amount(video, "height"));
    if (rate > 0) {
        fm_text_format(out, " %.4g fps", rate);
    }
}

static void put_audio(const struct fm_json *audio, struct fm_text *out)
{
    fm_text_append(out, "  ");
    fm_show_clean(text_of(audio, "codec"), out);
    fm_text_format(out, " %lld Hz %lld ch", (long long)amount(audio, "sample_rate"),
                   (long long)amount(audio, "channels"));
}

static bool is_object(const struct fm_json *value)
{
    return value != NULL && fm_json_kind(value) == FM_JSON_OBJECT;
}

static void put_output(const struct fm_json *output, struct fm_text *out)
{
    const struct fm_json *video = fm_json_get(output, "video"),
                         *audio = fm_json_get(output, "audio");
    double seconds = number_or(output, "duration_seconds", -1);
    FM_AUTO(fm_text_done) struct fm_text name = {0};
    fm_show_file_name(output, NULL, &name);
    fm_text_format(out, "  output  %s  ", fm_text_get(&name));
    fm_show_bytes(amount(output, "size_bytes"), out);
    if (seconds > 0) {
        fm_text_format(out, "  %.1f s", seconds);
    }
    if (is_object(video)) {
        put_video(video, seconds > 0, out);
    }
    if (is_object(audio)) {
        put_audio(audio, out);
    }
    fm_text_append(out, "\n          ");
    const char *url = text_of(output, "url");
    fm_show_clean(url[0] != '\0' ? url : "no longer kept", out);
    fm_text_append_char(out, '\n');
}

static void put_error(const struct fm_json *error, struct fm_text *out)
{
    fm_text_append(out, "  error   ");
    fm_show_clean(text_of(error, "message"), out);
    fm_text_append(out, " (");
    fm_show_clean(text_of(error, "code"), out);
    bool is_retryable = fm_json_bool(fm_json_get(error, "retryable"));
    fm_text_append(out, is_retryable ? "; another try may succeed)\n" : ")\n");
}

void fm_show_summary(const struct fm_json *json, struct fm_text *out)
{
    struct fm_show_job job;
    const struct fm_json *outputs = fm_json_get(json, "outputs");
    fm_show_read(json, &job);
    fm_show_clean(job.id, out);
    fm_text_append(out, "  ");
    fm_show_clean(job.status, out);
    if (!job.is_done && strcmp(job.status, "running") == 0) {
        fm_text_append(out, ": ");
        fm_show_line(&job, out);
    } else if (job.reason[0] != '\0') {
        fm_text_append(out, ": ");
        fm_show_clean(job.reason, out);
    }
    fm_text_append_char(out, '\n');
    put_source(json, out);
    for (size_t i = 0; outputs != NULL && i < fm_json_count(outputs); i++) {
        put_output(fm_json_at(outputs, i), out);
    }
    if (is_object(fm_json_get(json, "error"))) {
        put_error(fm_json_get(json, "error"), out);
    }
}

/* ---- file names ---- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
}

/* Replaces any byte that is not plain with '_', a dot at the start included, so that the name can
 * neither be hidden nor leave its directory. */
static void put_plain(const char *text, size_t limit, struct fm_text *out)
{
    for (size_t i = 0; i < limit && text[i] != '\0'; i++) {
        bool is_kept = is_plain(text[i]) || (text[i] == '.' && i > 0);
        fm_text_append_char(out, is_kept ? text[i] : '_');
    }
}

/* Appends the extension of the URL's last segment, without query and fragment; a URL that does not
 * end in NAME.EXT gives none. */
static void put_extension(const char *url, struct fm_text *out)
{
    size_t end = strcspn(url, "?#");
    size_t start = end;
    while (start > 0 && is_plain(url[start - 1])) {
        start--;
    }
    size_t length = end - start;
    bool is_extension = start > 0 && url[start - 1] == '.' && length > 0 &&
                        length <= EXTENSION_LIMIT && memchr(url, '/', start) != NULL;
    if (is_extension) {
        fm_text_append_char(out, '.');
        fm_text_append_bytes(out, url + start, length);
    }
}

void fm_show_file_name(const struct fm_json *output, const char *name, struct fm_text *out)
{
    FM_AUTO(fm_text_done) struct fm_text extension = {0};
    const char *stem = name != NULL ? name : text_of(output, "name");
    put_extension(text_of(output, "url"), &extension);
    size_t length = strlen(stem), tail = extension.length;
    /* A name that already ends in the extension does not get it twice. */
    if (tail > 0 && length > tail && strcmp(stem + length - tail, extension.data) == 0) {
        length -= tail;
    }
    size_t before = out->length;
    put_plain(stem, length < NAME_LIMIT ? length : NAME_LIMIT, out);
    if (out->length == before) {
        fm_text_append(out, "output");
    }
    fm_text_append(out, fm_text_get(&extension));
}

/* ---- progress on stderr ---- */

void fm_show_open(struct fm_show *show)
{
    *show = (struct fm_show){.is_terminal = isatty(STDERR_FILENO) == 1};
}

/* One less than the width: many terminals wrap when the last column is written. */
static unsigned columns_of_terminal(void)
{
    struct winsize size = {0};
    bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return is_known ? size.ws_col - 1u : COLUMNS_UNKNOWN - 1u;
}

/* Back to the line's start, the new text, then erase to its end (ECMA-48 EL). */
static void draw_bar(struct fm_show *show, const struct fm_show_job *job)
{
    FM_AUTO(fm_text_done) struct fm_text bar = {0};
    fm_show_bar(job, columns_of_terminal(), &bar);
    fprintf(stderr, "\r%s\033[K", fm_text_get(&bar));
    show->has_bar = true;
}

/* Prints nothing while only bytes and times change: a log of a long job stays readable. */
static void print_changed(struct fm_show *show, const struct fm_show_job *job)
{
    FM_AUTO(fm_text_done) struct fm_text about = {0}, line = {0};
    fm_text_format(&about, "%s %s %s %d", job->status, job->stage, job->reason,
                   (int)(job->percent / 10));
    if (strcmp(fm_text_get(&about), fm_text_get(&show->last)) == 0) {
        return;
    }
    fm_text_clear(&show->last);
    fm_text_append(&show->last, fm_text_get(&about));
    fm_show_line(job, &line);
    fprintf(stderr, "%s\n", fm_text_get(&line));
}

void fm_show_progress(struct fm_show *show, const struct fm_show_job *job)
{
    if (show->is_terminal) {
        draw_bar(show, job);
    } else {
        print_changed(show, job);
    }
}

void fm_show_end(struct fm_show *show)
{
    if (show->has_bar) {
        fputs("\r\033[K", stderr);
    }
    show->has_bar = false;
    fm_text_done(&show->last);
}
