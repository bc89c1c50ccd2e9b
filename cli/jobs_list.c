/*
 * Asks for one page of jobs and prints it as a table, or unchanged with --json: see jobs_list.h.
 * The rows of `table` are both the options and the names of the query's parameters.
 */
#include "cli/jobs_list.h"

#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/show.h"
#include "common/memory.h"
#include "common/settings.h"

#define LABEL_WIDTH 60 /* bytes of the title or URL */

struct options {
    char *status, *type, *site, *batch, *text, *cursor;
    uint64_t limit;
    bool json;
};

#define ROW(kind, name, standard, min, max, help)                                                  \
    FM_ROW(FM_KIND_##kind, #name, offsetof(struct options, name), standard, min, max, help)
static const struct fm_setting table[] = {
    ROW(TEXT, status, "", 0, 80, "queued, running, succeeded, failed, …; several with commas"),
    ROW(TEXT, type, "", 0, 16, "fetch or process"),
    ROW(TEXT, site, "", 0, 32, "A site's name"),
    ROW(TEXT, batch, "", 0, 40, "Jobs of this batch"),
    ROW(TEXT, text, "", 0, 200, "Text in the URL, the title or the metadata"),
    ROW(TEXT, cursor, "", 0, 40, "The next_cursor of the previous page"),
    ROW(NUMBER, limit, "20", 1, 100, "Jobs per page"),
    ROW(BOOL, json, "false", 0, 1, "Print the JSON object"),
};

/* ---- the request ---- */

/* Percent-encodes all but the unreserved characters (RFC 3986 §2.3) and the comma, which separates
 * statuses. */
static void put_value(struct fm_text *path, const char *value)
{
    static const char safe[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~,";
    for (; *value != '\0'; value++) {
        if (strchr(safe, *value) != NULL) {
            fm_text_append_char(path, *value);
        } else {
            fm_text_format(path, "%%%02X", (unsigned)(unsigned char)*value);
        }
    }
}

/* Each text option that is set becomes the parameter of the same name. */
static void make_path(const struct options *options, struct fm_text *path)
{
    fm_text_format(path, "/v1/jobs?limit=%llu", (unsigned long long)options->limit);
    for (size_t i = 0; i < FM_COUNT(table); i++) {
        const char *value = NULL;
        if (table[i].kind != FM_KIND_TEXT) {
            continue;
        }
        memcpy(&value, (const char *)options + table[i].offset, sizeof(value));
        if (value[0] != '\0') {
            fm_text_format(path, "&%s=", table[i].name);
            put_value(path, value);
        }
    }
}

/* ---- the answer ---- */

/* The text by which a person recognises the job: its title if there is one yet, else its URL. */
static const char *label_of(const struct fm_json *job)
{
    const char *title = fm_json_text(fm_json_get(fm_json_get(job, "source"), "title"));
    return title[0] != '\0' ? title : fm_json_text(fm_json_get(fm_json_get(job, "input"), "url"));
}

static void put_row(const struct fm_json *job, struct fm_text *out)
{
    FM_AUTO(fm_text_done) struct fm_text label = {0};
    const char *error = fm_json_text(fm_json_get(fm_json_get(job, "error"), "code"));
    fm_show_clean(label_of(job), &label);
    fm_text_format(out, "%s  %.19s  %-9s  %.*s%s%s%s\n", fm_json_text(fm_json_get(job, "id")),
                   fm_json_text(fm_json_get(job, "created_at")),
                   fm_json_text(fm_json_get(job, "status")), LABEL_WIDTH, fm_text_get(&label),
                   error[0] != '\0' ? "  (" : "", error, error[0] != '\0' ? ")" : "");
}

static void print_page(const struct fm_client_answer *answer, bool wants_json)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    const struct fm_json *data = fm_json_get(answer->json, "data");
    const char *cursor = fm_json_text(fm_json_get(answer->json, "next_cursor"));
    if (wants_json) {
        printf("%s\n", fm_text_get(&answer->body));
        return;
    }
    size_t count = data == NULL ? 0 : fm_json_count(data);
    for (size_t i = 0; i < count; i++) {
        put_row(fm_json_at(data, i), &text);
    }
    fputs(fm_text_get(&text), stdout);
    if (count == 0) {
        fprintf(stderr, "no jobs\n");
    }
    if (cursor[0] != '\0') {
        fprintf(stderr, "more: --cursor %s\n", cursor);
    }
}

static int list_jobs(const struct options *options)
{
    FM_AUTO(fm_client_done) struct fm_client client = {0};
    FM_AUTO(fm_client_answer_done) struct fm_client_answer answer = {0};
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    struct fm_error err = {0};
    make_path(options, &path);
    if (!fm_client_open(&client, &err) ||
        !fm_client_call(&client, "GET", fm_text_get(&path), NULL, &answer, &err) ||
        !fm_client_check(&answer, &err)) {
        return fm_command_fail(&err);
    }
    print_page(&answer, options->json);
    return FM_EXIT_OK;
}

int fm_jobs_list(int argc, char **argv)
{
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof(*rest));
    struct fm_settings_arguments words = {argc, argv, rest, 0};
    struct options options = {0};
    struct fm_error err = {0};
    bool is_good = fm_settings_load(table, FM_COUNT(table), &options, NULL, &words, &err) &&
                   (words.rest_count == 0 ||
                    fm_fail(&err, FM_SETTING, "jobs list: unexpected argument \"%.64s\"", rest[0]));
    int code = is_good ? list_jobs(&options) : fm_command_fail(&err);
    fm_settings_done(table, FM_COUNT(table), &options);
    return code;
}
