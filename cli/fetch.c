/*
 * The `fetch` command: builds the request of POST /v1/videos from the options. Submitting,
 * following and saving are run.c's.
 */
#include "cli/command.h"
#include "cli/run.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/settings.h"

struct options {
    char *outputs, *name, *download;
    bool no_wait, json;
};

#define ROW(kind, name, standard, max, help)                                                       \
    FM_ROW(FM_KIND_##kind, #name, offsetof(struct options, name), standard, 0, max, help)
static const struct fm_setting table[] = {
    ROW(TEXT, outputs, "", 65536,
        "What to make of it, as the API's outputs; @FILE reads them there"),
    ROW(TEXT, name, "", 200, "What the file is to be called"),
    ROW(TEXT, download, "", 4096, "A directory to save the outputs in"),
    ROW(BOOL, no_wait, "false", 1, "Return once the job is accepted"),
    ROW(BOOL, json, "false", 1, "Print the job object"),
};

static bool make_body(const struct options *options, const char *url, struct fm_text *body,
                      struct fm_error *err)
{
    struct fm_json_writer writer = {.out = body};
    fm_json_open(&writer, NULL, '{');
    fm_json_put_text(&writer, "url", url);
    if (options->name[0] != '\0') {
        fm_json_put_text(&writer, "filename", options->name);
    }
    if (options->outputs[0] != '\0' && !fm_run_put_outputs(&writer, options->outputs, err)) {
        return false;
    }
    fm_json_close(&writer, '}');
    return true;
}

/* Sends the URL as it is: the service finds out which site it belongs to. */
static bool make_run(const struct options *options, const struct fm_settings_words *words,
                     struct fm_text *body, struct fm_run *run, struct fm_error *err)
{
    *run = (struct fm_run){.path = "/v1/videos",
                           .name = options->name,
                           .download = options->download,
                           .goes_on = options->no_wait,
                           .wants_json = options->json};
    if (!fm_run_check(run, "fetch", words->rest_count, err) ||
        !make_body(options, words->rest[0], body, err)) {
        return false;
    }
    run->body = fm_text_get(body);
    return true;
}

int fm_fetch_command(int argc, char **argv)
{
    FM_AUTO_FREE char **rest = fm_alloc_array((size_t)argc, sizeof(*rest));
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    struct fm_settings_words words = {argc, argv, rest, 0};
    struct options options = {0};
    struct fm_run run;
    struct fm_error err = {0};
    bool is_good = fm_settings_load(table, FM_COUNT(table), &options, NULL, &words, &err) &&
                   make_run(&options, &words, &body, &run, &err);
    int code = is_good ? fm_run_job(&run) : fm_command_fail(&err);
    fm_settings_done(table, FM_COUNT(table), &options);
    return code;
}
