/*
 * Submits a job, follows it and saves its outputs: see run.h. Output names and ids come from the
 * service: names pass fm_show_file_name and the id is parsed before either becomes part of a path.
 */
#include "cli/run.h"

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

#define SAME_NAME_LIMIT 100u           /* tries to find a free file name */
#define OUTPUTS_LIMIT ((size_t)262144) /* bytes of --outputs @FILE */

bool fm_run_put_outputs(struct fm_json_writer *writer, const char *given, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    FM_AUTO(fm_json_destroy) struct fm_json *parsed = NULL;
    struct fm_error why = {0};
    if (given[0] != '@') {
        fm_text_append(&text, given);
    } else if (!fm_file_read(given + 1, OUTPUTS_LIMIT, &text, err)) {
        return false;
    }
    struct fm_slice bytes = {text.data, text.length};
    if (!fm_json_parse(bytes, &parsed, &why)) {
        return fm_fail(err, FM_SETTING, "--outputs: %s", fm_error_text(&why));
    }
    if (fm_json_kind(parsed) != FM_JSON_ARRAY) {
        return fm_fail(err, FM_SETTING, "--outputs: not a JSON array");
    }
    fm_json_put_raw(writer, "outputs", bytes);
    return true;
}

/* ---- saving ---- */

/* "DIR/NAME.EXT", and "DIR/NAME-2.EXT" for number 2: an existing file is never overwritten. */
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

/* Downloads under the first name that is free. `path` is the name used. ALREADY_EXISTS when all
 * SAME_NAME_LIMIT names are taken. */
static bool save_file(const char *url, const char *directory, const char *name,
                      struct fm_text *path, struct fm_error *err)
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

/* Compares size and SHA-256 of the saved file with the job's; removes the file and fails with
 * PROTOCOL when they differ. */
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
    return fm_fail(err, FM_PROTOCOL, "%s: the downloaded file differs from the job's output", path);
}

/* With --name N: N.EXT for a single output, N-NAME.EXT if there are several. */
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

static bool save_output(const struct fm_json *output, const struct fm_run_options *options,
                        bool is_only, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text name = {0}, path = {0};
    const char *url = fm_json_text(fm_json_get(output, "url"));
    name_file(output, options->name, is_only, &name);
    if (url[0] == '\0') {
        return fm_fail_param(err, FM_OUTPUT_EXPIRED, NULL, "%s is no longer kept",
                             fm_text_get(&name));
    }
    if (!save_file(url, options->download, fm_text_get(&name), &path, err) ||
        !check_saved(output, fm_text_get(&path), err)) {
        return false;
    }
    fprintf(options->json ? stderr : stdout, "saved %s\n", fm_text_get(&path));
    return true;
}

/* Saves in order and stops at the first failure; files that are complete stay. */
static bool save_outputs(const struct fm_json *job, const struct fm_run_options *options,
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

/* ---- the whole run ---- */

static void print_job(const struct fm_client_answer *answer, bool wants_json)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    if (wants_json) {
        printf("%s\n", fm_text_get(&answer->body));
        return;
    }
    fm_show_summary(answer->json, &text);
    fputs(fm_text_get(&text), stdout);
}

/* The job is printed before its outputs are saved, so that its URLs are known if saving fails. */
static int finish_job(const struct fm_client_answer *answer, const struct fm_run_options *options)
{
    struct fm_error err = {0};
    struct fm_show_job job;
    fm_show_read(answer->json, &job);
    print_job(answer, options->json);
    if (!job.has_succeeded) {
        return FM_EXIT_FAILED;
    }
    return save_outputs(answer->json, options, &err) ? FM_EXIT_OK : fm_command_fail(&err);
}

/* POSTs the job. `id` is formatted from the parsed id, so it is safe in a path. */
static bool submit_job(const struct fm_client *client, const char *path, const char *body,
                       char id[FM_ID_TEXT_SIZE], struct fm_client_answer *answer,
                       struct fm_error *err)
{
    struct fm_id parsed;
    if (!fm_client_call(client, "POST", path, body, answer, err) || !fm_client_check(answer, err)) {
        return false;
    }
    const char *text = fm_json_text(fm_json_get(answer->json, "id"));
    if (!fm_id_parse(FM_ID_JOB, text, &parsed)) {
        return fm_fail(err, FM_PROTOCOL, "the answer contains no job id");
    }
    fm_id_format(FM_ID_JOB, &parsed, id);
    return true;
}

static int run_job(const char *path, const char *body, const struct fm_run_options *options)
{
    FM_AUTO(fm_client_done) struct fm_client client = {0};
    FM_AUTO(fm_client_answer_done) struct fm_client_answer accepted = {0}, ended = {0};
    struct fm_error err = {0};
    char id[FM_ID_TEXT_SIZE];
    if (!fm_client_open(&client, &err) || !submit_job(&client, path, body, id, &accepted, &err)) {
        return fm_command_fail(&err);
    }
    if (options->no_wait) {
        print_job(&accepted, options->json);
        return FM_EXIT_OK;
    }
    fprintf(stderr, "%s\n", id);
    return fm_follow_run(&client, id, &ended, &err) ? finish_job(&ended, options)
                                                    : fm_command_fail(&err);
}

/* ---- the command ---- */

/* SETTING unless there is exactly one argument (the URL) and the options are compatible. */
static bool check_arguments(const struct fm_run_command *command,
                            const struct fm_run_options *options, size_t argument_count,
                            struct fm_error *err)
{
    if (argument_count != 1) {
        return fm_fail(err, FM_SETTING, "usage: fetchmedia %s URL (see fetchmedia help %s)",
                       command->name, command->name);
    }
    return !options->no_wait || options->download[0] == '\0' ||
           fm_fail(err, FM_SETTING,
                   "--download waits for the job to end, so it cannot be combined with --no-wait");
}

static bool make_body(const struct fm_run_command *command, const void *options, const char *url,
                      struct fm_text *body, struct fm_error *err)
{
    struct fm_json_writer json = {.out = body};
    fm_json_open(&json, NULL, '{');
    bool is_good = command->put_members(&json, options, url, err);
    fm_json_close(&json, '}');
    return is_good;
}

int fm_run_command(const struct fm_run_command *command, void *options, int argc, char **argv)
{
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof(*rest));
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    struct fm_settings_arguments words = {argc, argv, rest, 0};
    struct fm_error err = {0};
    bool is_good =
        fm_settings_load(command->table, command->row_count, options, NULL, &words, &err) &&
        check_arguments(command, options, words.rest_count, &err) &&
        make_body(command, options, rest[0], &body, &err);
    int code =
        is_good ? run_job(command->path, fm_text_get(&body), options) : fm_command_fail(&err);
    fm_settings_done(command->table, command->row_count, options);
    return code;
}
