/*
 * The `batch` command: submits many jobs from a file, shows a batch, follows it, or cancels it. The
 * file is read by batch_source.c, following is done by follow.c.
 */
#include <stdio.h>
#include <string.h>

#include "cli/batch_show.h"
#include "cli/batch_source.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "common/id.h"
#include "common/memory.h"
#include "common/settings.h"

struct options {
    bool json, watch;
};

static const struct fm_setting table[] = {
    {FM_KIND_BOOL, "json", offsetof(struct options, json), "false", 0, 1, "Print the batch object"},
    {FM_KIND_BOOL, "watch", offsetof(struct options, watch), "false", 0, 1,
     "submit: follow the batch to its end"},
};

struct verb {
    const char *name;
    bool (*run)(const struct fm_client *client, const char *argument,
                struct fm_client_answer *answer, struct fm_error *err);
    bool takes_file;
    bool fails_unless_succeeded; /* exit with FM_EXIT_FAILED unless the batch succeeded */
};

/* ---- submit ---- */

struct upload {
    struct fm_batch_source *source;
    struct fm_show show;
};

/* Shows the upload's progress as if it were a job. On a terminal only: a log needs no line for each
 * piece sent. */
static void show_upload(struct upload *upload)
{
    struct fm_show_job job = {.id = "",
                              .status = "running",
                              .stage = "sending",
                              .reason = "",
                              .percent = -1,
                              .eta_seconds = -1,
                              .speed = -1};
    fm_batch_source_progress(upload->source, &job.downloaded_bytes, &job.total_bytes);
    if (job.total_bytes > 0) {
        job.percent = 100.0 * (double)job.downloaded_bytes / (double)job.total_bytes;
    }
    if (upload->show.is_terminal) {
        fm_show_progress(&upload->show, &job);
    }
}

/* Called by libcurl within fm_client_send, on the main thread, whenever it can send more. */
static bool read_body(void *context, char *out, size_t room, size_t *length, struct fm_error *err)
{
    struct upload *upload = context;
    bool is_read = fm_batch_source_read(upload->source, out, room, length, err);
    show_upload(upload);
    return is_read;
}

static bool submit_batch(const struct fm_client *client, const char *path,
                         struct fm_client_answer *answer, struct fm_error *err)
{
    struct upload upload = {0};
    if (!fm_batch_source_open(path, &upload.source, err)) {
        return false;
    }
    struct fm_client_body body = {fm_batch_source_type(upload.source), read_body, &upload};
    fm_show_open(&upload.show);
    bool is_good = fm_client_send(client, "/v1/batches", &body, answer, err);
    fm_show_end(&upload.show);
    fm_batch_source_close(&upload.source);
    return is_good && fm_client_check(answer, err);
}

/* ---- the other verbs ---- */

static bool call_service(const struct fm_client *client, const char *method, const char *path,
                         struct fm_client_answer *answer, struct fm_error *err)
{
    return fm_client_call(client, method, path, NULL, answer, err) && fm_client_check(answer, err);
}

static bool get_batch(const struct fm_client *client, const char *batch,
                      struct fm_client_answer *answer, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    fm_text_format(&path, "/v1/batches/%s", batch);
    return call_service(client, "GET", fm_text_get(&path), answer, err);
}

static bool cancel_batch(const struct fm_client *client, const char *batch,
                         struct fm_client_answer *answer, struct fm_error *err)
{
    FM_AUTO(fm_text_done) struct fm_text path = {0};
    fm_text_format(&path, "/v1/batches/%s/cancel", batch);
    return call_service(client, "POST", fm_text_get(&path), answer, err);
}

static const struct verb verbs[] = {
    {"submit", submit_batch, true, false},
    {"get", get_batch, false, false},
    {"watch", fm_follow_batch, false, true},
    {"cancel", cancel_batch, false, false},
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < FM_COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

/* Checks the arguments and returns the verb, NULL on failure. The id is parsed here because it
 * becomes a part of the request's path, where a slash or a query would ask for something else. */
static const struct verb *parse_arguments(char **arguments, size_t count,
                                          const struct options *options, struct fm_error *err)
{
    struct fm_id id;
    const struct verb *verb = count == 2 ? find_verb(arguments[0]) : NULL;
    if (verb == NULL || (options->watch && !verb->takes_file)) {
        fm_fail(err, FM_SETTING,
                "usage: fetchmedia batch submit FILE|- [--watch] | get|watch|cancel BATCH; "
                "[--json]");
        return NULL;
    }
    if (!verb->takes_file && !fm_id_parse(FM_ID_BATCH, arguments[1], &id)) {
        fm_fail(err, FM_SETTING, "\"%.64s\" is not a batch id", arguments[1]);
        return NULL;
    }
    return verb;
}

static int print_batch(const struct fm_client_answer *answer, bool wants_json,
                       bool fails_unless_succeeded)
{
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    struct fm_show_job batch;
    fm_batch_show_read(answer->json, &batch);
    fm_batch_show_summary(answer->json, &text);
    printf("%s%s", fm_text_get(wants_json ? &answer->body : &text), wants_json ? "\n" : "");
    return fails_unless_succeeded && !batch.has_succeeded ? FM_EXIT_FAILED : FM_EXIT_OK;
}

/* Prints the accepted batch's id, and with --watch follows the batch. The id is flushed first, so
 * that a script has it even if following is interrupted. */
static int finish_submit(const struct fm_client *client, const struct fm_client_answer *answer,
                         const struct options *options)
{
    FM_AUTO(fm_client_answer_done) struct fm_client_answer end = {0};
    const char *id = fm_json_text(fm_json_get(answer->json, "id"));
    struct fm_error err = {0};
    struct fm_id parsed;
    if (!fm_id_parse(FM_ID_BATCH, id, &parsed)) {
        fm_fail(&err, FM_PROTOCOL, "the answer contains no batch id");
        return fm_command_fail(&err);
    }
    if (!options->json) {
        printf("%s\n", id);
        (void)fflush(stdout);
    }
    if (!options->watch) {
        return options->json ? print_batch(answer, true, false) : FM_EXIT_OK;
    }
    return fm_follow_batch(client, id, &end, &err) ? print_batch(&end, options->json, true)
                                                   : fm_command_fail(&err);
}

static int run_verb(const struct verb *verb, const char *argument, const struct options *options)
{
    FM_AUTO(fm_client_done) struct fm_client client = {0};
    FM_AUTO(fm_client_answer_done) struct fm_client_answer answer = {0};
    struct fm_error err = {0};
    if (!fm_client_open(&client, &err) || !verb->run(&client, argument, &answer, &err)) {
        return fm_command_fail(&err);
    }
    return verb->takes_file ? finish_submit(&client, &answer, options)
                            : print_batch(&answer, options->json, verb->fails_unless_succeeded);
}

int fm_batch_command(int argc, char **argv)
{
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof(*rest));
    struct fm_settings_arguments words = {argc, argv, rest, 0};
    struct options options = {0};
    struct fm_error err = {0};
    const struct verb *verb = NULL;
    if (fm_settings_load(table, FM_COUNT(table), &options, NULL, &words, &err)) {
        verb = parse_arguments(rest, words.rest_count, &options, &err);
    }
    fm_settings_done(table, FM_COUNT(table), &options);
    return verb != NULL ? run_verb(verb, rest[1], &options) : fm_command_fail(&err);
}
