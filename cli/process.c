/*
 * The `process` command: builds the request of POST /v1/videos/process. The options describe a
 * single output; --outputs gives the API's whole array instead. Submitting, following and saving
 * are run.c's, and values are checked by the service, which knows what each format allows.
 */
#include <string.h>

#include "cli/command.h"
#include "cli/run.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/settings.h"

struct options {
    char *outputs, *format, *fit, *start, *end, *at, *name, *download;
    uint64_t width, height, crf;
    bool no_wait, json;
};

#define ROW(kind, name, standard, max, help)                                                       \
    FM_ROW(FM_KIND_##kind, #name, offsetof(struct options, name), standard, 0, max, help)
static const struct fm_setting table[] = {
    ROW(TEXT, outputs, "", 65536, "What to make, as the API's outputs; @FILE reads them there"),
    ROW(TEXT, format, "", 16, "Of the one output: mp4 (if not given), webm, mp3, jpg, gif, …"),
    ROW(NUMBER, width, "0", 8192, "Pixels at most"),
    ROW(NUMBER, height, "0", 4320, "Pixels at most"),
    ROW(TEXT, fit, "", 16, "contain, cover or pad"),
    ROW(NUMBER, crf, "0", 51, "Quality; 0: the format's own"),
    ROW(TEXT, start, "", 16, "Seconds from which on"),
    ROW(TEXT, end, "", 16, "Seconds up to which"),
    ROW(TEXT, at, "", 16, "Seconds of the moment a picture shows"),
    ROW(TEXT, name, "", 200, "What the files are to be called"),
    ROW(TEXT, download, "", 4096, "A directory to save the outputs in"),
    ROW(BOOL, no_wait, "false", 1, "Return once the job is accepted"),
    ROW(BOOL, json, "false", 1, "Print the job object"),
};

/* ---- the output that the options describe ---- */

/* Writes the option's seconds as a number; an option that is not given writes nothing. */
static bool put_seconds(struct fm_json_writer *json, const char *option, const char *member,
                        const char *text, struct fm_error *err)
{
    double seconds = 0;
    if (text[0] == '\0') {
        return true;
    }
    if (!fm_text_to_double(text, &seconds)) {
        return fm_fail(err, FM_SETTING, "--%s: \"%.32s\" is not a number of seconds", option, text);
    }
    fm_json_put_double(json, member, seconds);
    return true;
}

/* 0 and "" mean not given, for which the service has its own default. */
static void put_video(struct fm_json_writer *json, const struct options *options)
{
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"width", options->width}, {"height", options->height}, {"crf", options->crf}};
    fm_json_open(json, "video", '{');
    for (size_t i = 0; i < FM_COUNT(numbers); i++) {
        if (numbers[i].value > 0) {
            fm_json_put_integer(json, numbers[i].name, (int64_t)numbers[i].value);
        }
    }
    if (options->fit[0] != '\0') {
        fm_json_put_text(json, "fit", options->fit);
    }
    fm_json_close(json, '}');
}

/* Either end may be open: start alone or end alone is a trim. */
static bool put_trim(struct fm_json_writer *json, const struct options *options,
                     struct fm_error *err)
{
    if (options->start[0] == '\0' && options->end[0] == '\0') {
        return true;
    }
    fm_json_open(json, "trim", '{');
    bool is_good = put_seconds(json, "start", "start_seconds", options->start, err) &&
                   put_seconds(json, "end", "end_seconds", options->end, err);
    fm_json_close(json, '}');
    return is_good;
}

static bool has_video(const struct options *options)
{
    return options->width > 0 || options->height > 0 || options->crf > 0 || options->fit[0] != '\0';
}

static bool put_output(struct fm_json_writer *json, const struct options *options,
                       struct fm_error *err)
{
    fm_json_open(json, NULL, '{');
    fm_json_put_text(json, "name", "output");
    fm_json_put_text(json, "format", options->format[0] != '\0' ? options->format : "mp4");
    if (has_video(options)) {
        put_video(json, options);
    }
    bool is_good =
        put_trim(json, options, err) && put_seconds(json, "at", "at_seconds", options->at, err);
    fm_json_close(json, '}');
    return is_good;
}

/* SETTING when options that describe the single output are given with --outputs, which would
 * silently ignore them. */
static bool check_outputs_alone(const struct options *options, struct fm_error *err)
{
    bool has_own = has_video(options) || options->format[0] != '\0' || options->start[0] != '\0' ||
                   options->end[0] != '\0' || options->at[0] != '\0';
    return !has_own ||
           fm_fail(err, FM_SETTING,
                   "--outputs describes all outputs by itself; --format, --width, --height, "
                   "--fit, --crf, --start, --end and --at are for a single output");
}

static bool put_outputs(struct fm_json_writer *json, const struct options *options,
                        struct fm_error *err)
{
    if (options->outputs[0] != '\0') {
        return check_outputs_alone(options, err) && fm_run_put_outputs(json, options->outputs, err);
    }
    fm_json_open(json, "outputs", '[');
    bool is_good = put_output(json, options, err);
    fm_json_close(json, ']');
    return is_good;
}

static bool make_body(const struct options *options, const char *url, struct fm_text *body,
                      struct fm_error *err)
{
    struct fm_json_writer json = {.out = body};
    fm_json_open(&json, NULL, '{');
    fm_json_open(&json, "source", '{');
    fm_json_put_text(&json, "url", url);
    fm_json_close(&json, '}');
    bool is_good = put_outputs(&json, options, err);
    fm_json_close(&json, '}');
    return is_good;
}

/* ---- the command ---- */

static bool make_run(const struct options *options, const struct fm_settings_words *words,
                     struct fm_text *body, struct fm_run *run, struct fm_error *err)
{
    *run = (struct fm_run){.path = "/v1/videos/process",
                           .name = options->name,
                           .download = options->download,
                           .goes_on = options->no_wait,
                           .wants_json = options->json};
    if (!fm_run_check(run, "process", words->rest_count, err) ||
        !make_body(options, words->rest[0], body, err)) {
        return false;
    }
    run->body = fm_text_get(body);
    return true;
}

int fm_process_command(int argc, char **argv)
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
