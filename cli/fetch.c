/* `fetch`: submit a link, follow the job, save what came of it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/show.h"
#include "common/file.h"
#include "common/hash.h"
#include "common/id.h"
#include "common/memory.h"
#include "common/settings.h"

#define SAME_NAME_LIMIT 100u

struct options {
    char *outputs, *name, *download;
    bool no_wait, json;
};

#define ROW(kind, name, standard, max, help)                                                       \
    {                                                                                              \
        FM_KIND_##kind, #name, offsetof(struct options, name), standard, 0, max, help              \
    }
static const struct fm_setting table[] = {
    ROW(TEXT, outputs, "", 65536, "What to make of it, as the API's outputs"),
    ROW(TEXT, name, "", 200, "What the file is to be called"),
    ROW(TEXT, download, "", 4096, "A directory to save the outputs in"),
    ROW(BOOL, no_wait, "false", 1, "Return once the job is accepted"),
    ROW(BOOL, json, "false", 1, "Print the job object"),
};

/* ---- the request ---- */

static bool put_outputs(struct fm_json_writer *writer, const char *text, struct fm_error *err)
{
    FM_AUTO(fm_json_destroy) struct fm_json *json = NULL;
    struct fm_error why = {0};
    if (!fm_json_parse(fm_slice_of(text), &json, &why)) {
        return fm_fail(err, FM_SETTING, "--outputs: %s", fm_error_text(&why));
    }
    if (fm_json_kind(json) != FM_JSON_ARRAY) {
        return fm_fail(err, FM_SETTING, "--outputs: not a JSON array");
    }
    fm_json_put_raw(writer, "outputs", fm_slice_of(text));
    return true;
}

static bool make_body(const struct options *options, const char *url, struct fm_text *body,
                      struct fm_error *err)
{
    struct fm_json_writer writer = {.out = body};
    fm_json_open(&writer, NULL, '{');
    fm_json_put_text(&writer, "url", url);
    if (options->name[0] != '\0') {
        fm_json_put_text(&writer, "filename", options->name);
    }
    if (options->outputs[0] != '\0' && !put_outputs(&writer, options->outputs, err)) {
        return false;
    }
    fm_json_close(&writer, '}');
    return true;
}

static bool check_words(const struct options *options, size_t count, struct fm_error *err)
{
    if (count != 1) {
        return fm_fail(err, FM_SETTING, "usage: fetchmedia fetch URL (see fetchmedia help fetch)");
    }
    return !options->no_wait || options->download[0] == '\0' ||
           fm_fail(err, FM_SETTING, "--download has to wait for the job; --no-wait does not");
}

/* The job's id, safe to stand in a path; the site is the service's to find out. */
static bool submit(const struct fm_client *client, const char *body, char id[FM_ID_TEXT_SIZE],
                   struct fm_client_answer *answer, struct fm_error *err)
{
    struct fm_id parsed;
    if (!fm_client_call(client, "POST", "/v1/videos", body, answer, err) ||
        !fm_client_check(answer, err)) {
        return false;
    }
    const char *text = fm_json_text(fm_json_get(answer->json, "id"));
    if (!fm_id_parse(FM_ID_JOB, text, &parsed)) {
        return fm_fail(err, FM_PROTOCOL, "the answer holds no job");
    }
    fm_id_format(FM_ID_JOB, &parsed, id);
    return true;
}

/* ---- saving ---- */

/* "DIR/NAME.EXT", for the second try "DIR/NAME-2.EXT": what stands there is never overwritten. */
static void make_path(const char *directory, const char *name, unsigned number,
                      struct fm_text *path)
{
    const char *dot = strrchr(name, '.');
    size_t stem = dot == NULL ? strlen(name) : (size_t)(dot - name);
    fm_text_clear(path);
    fm_text_format(path, "%s/%.*s", directory, (int)stem, name);
    if (number > 1) {
        fm_text_format(path, "-%u", number);
    }
    fm_text_append(path, name + stem);
}

static bool save(const char *url, const char *directory, const char *name, struct fm_text *path,
                 struct fm_error *err)
{
    for (unsigned number = 1; number <= SAME_NAME_LIMIT; number++) {
        make_path(directory, name, number, path);
        if (fm_client_download(url, fm_text_get(path), err)) {
            return true;
        }
        if (err->code != FM_ALREADY_EXISTS) {
            return false;
        }
    }
    return false;
}

/* The bytes are those the job verified. */
static bool check_saved(const struct fm_json *output, const char *path, struct fm_error *err)
{
    const char *expected = fm_json_text(fm_json_get(output, "sha256"));
    FM_AUTO(fm_file_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t digest[FM_HASH_SIZE];
    char hex[FM_HASH_HEX_SIZE];
    int64_t size = 0;
    if (fd < 0) {
        return fm_fail_errno(err, path);
    }
    if (!fm_file_sha256(fd, digest, &size, err)) {
        return false;
    }
    fm_hash_to_hex(digest, sizeof(digest), hex);
    bool is_same = size == fm_json_integer(fm_json_get(output, "size_bytes")) &&
                   (expected[0] == '\0' || strcmp(hex, expected) == 0);
    if (is_same) {
        return true;
    }
    unlink(path);
    return fm_fail(err, FM_PROTOCOL, "%s: what came is not what the job made", path);
}

/* `--name N`: N.EXT for an only output, else N-NAME.EXT. */
static void name_file(const struct fm_json *output, const char *wanted, bool is_only,
                      struct fm_text *name)
{
    FM_AUTO(fm_text_done) struct fm_text stem = {0};
    fm_text_append(&stem, wanted);
    if (!is_only) {
        fm_text_format(&stem, "-%s", fm_json_text(fm_json_get(output, "name")));
    }
    fm_show_file_name(output, wanted[0] == '\0' ? NULL : fm_text_get(&stem), name);
}

static bool save_output(const struct fm_json *output, const struct options *options, bool is_only,
                        struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text name = {0}, path = {0};
    const char *url = fm_json_text(fm_json_get(output, "url"));
    name_file(output, options->name, is_only, &name);
    if (url[0] == '\0') {
        return fm_fail_param(err, FM_OUTPUT_EXPIRED, NULL, "%s is no longer kept",
                             fm_text_get(&name));
    }
    if (!save(url, options->download, fm_text_get(&name), &path, err) ||
        !check_saved(output, fm_text_get(&path), err)) {
        return false;
    }
    fprintf(options->json ? stderr : stdout, "saved %s\n", fm_text_get(&path));
    return true;
}

static bool save_outputs(const struct fm_json *job, const struct options *options,
                         struct fm_error *err)
{
    const struct fm_json *outputs = fm_json_get(job, "outputs");
    size_t count = outputs == NULL ? 0 : fm_json_count(outputs);
    if (options->download[0] == '\0') {
        return true;
    }
    if (!fm_file_make_dirs(options->download, 0755, err)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!save_output(fm_json_at(outputs, i), options, count == 1, err)) {
            return false;
        }
    }
    return true;
}

/* ---- the command ---- */

static void print(const struct fm_client_answer *answer, bool wants_json)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    if (wants_json) {
        printf("%s\n", fm_text_get(&answer->body));
        return;
    }
    fm_show_summary(answer->json, &text);
    fputs(fm_text_get(&text), stdout);
}

static int finish(const struct fm_client_answer *answer, const struct options *options)
{
    struct fm_error err = {0};
    struct fm_show_job job;
    fm_show_read(answer->json, &job);
    print(answer, options->json);
    if (!job.has_succeeded) {
        return FM_EXIT_FAILED;
    }
    return save_outputs(answer->json, options, &err) ? FM_EXIT_OK : fm_command_fail(&err);
}

static int run(const struct options *options, const char *url)
{
    FM_AUTO(fm_client_done) struct fm_client client = {0};
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    FM_AUTO(fm_client_answer_done) struct fm_client_answer accepted = {0}, ended = {0};
    struct fm_error err = {0};
    char id[FM_ID_TEXT_SIZE];
    if (!make_body(options, url, &body, &err) || !fm_client_open(&client, &err) ||
        !submit(&client, fm_text_get(&body), id, &accepted, &err)) {
        return fm_command_fail(&err);
    }
    if (options->no_wait) {
        print(&accepted, options->json);
        return FM_EXIT_OK;
    }
    fprintf(stderr, "%s\n", id);
    return fm_follow_run(&client, id, &ended, &err) ? finish(&ended, options)
                                                    : fm_command_fail(&err);
}

int fm_fetch_command(int argc, char **argv)
{
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof(*rest));
    struct fm_settings_words words = {argc, argv, rest, 0};
    struct options options = {0};
    struct fm_error err = {0};
    bool is_good = fm_settings_load(table, FM_COUNT(table), &options, NULL, &words, &err) &&
                   check_words(&options, words.rest_count, &err);
    int code = is_good ? run(&options, rest[0]) : fm_command_fail(&err);
    fm_settings_done(table, FM_COUNT(table), &options);
    return code;
}
