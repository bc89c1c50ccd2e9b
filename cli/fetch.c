/* `fetch`: submit a link, follow the job, save what came of it. */
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

static int run(const struct options *options, const char *url)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    struct fm_error err = {0};
    if (!make_body(options, url, &body, &err)) {
        return fm_command_fail(&err);
    }
    /* The site is the service's to find out. */
    struct fm_run run = {.path = "/v1/videos",
                         .body = fm_text_get(&body),
                         .name = options->name,
                         .download = options->download,
                         .goes_on = options->no_wait,
                         .wants_json = options->json};
    return fm_run_job(&run);
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
