/*
 * The `process` command: the request of POST /v1/videos/process from the options. They describe a
 * single output; --outputs gives the API's whole array instead. Everything else is run.c's, and
 * values are checked by the service, which knows what each format allows.
 */
#include "cli/command.h"
#include "cli/run.h"
#include "common/memory.h"

struct options {
    struct fm_run_options run;
    char *format, *fit, *start, *end, *at;
    uint64_t width, height, crf;
};

#define ROW(kind, name, standard, max, help)                                                       \
    FM_ROW(FM_KIND_##kind, #name, offsetof(struct options, name), standard, 0, max, help)
static const struct fm_setting table[] = {
    FM_RUN_ROWS(struct options),
    ROW(TEXT, format, "", 16, "Format of the output: mp4 (the default), webm, mp3, jpg, gif, …"),
    ROW(NUMBER, width, "0", 8192, "Largest width in pixels"),
    ROW(NUMBER, height, "0", 4320, "Largest height in pixels"),
    ROW(TEXT, fit, "", 16, "contain, cover or pad"),
    ROW(NUMBER, crf, "0", 51, "Quality; 0: the format's own default"),
    ROW(TEXT, start, "", 16, "Start of the trim, in seconds"),
    ROW(TEXT, end, "", 16, "End of the trim, in seconds"),
    ROW(TEXT, at, "", 16, "Time of the frame that a picture shows, in seconds"),
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
    if (options->run.outputs[0] != '\0') {
        return check_outputs_alone(options, err) &&
               fm_run_put_outputs(json, options->run.outputs, err);
    }
    fm_json_open(json, "outputs", '[');
    bool is_good = put_output(json, options, err);
    fm_json_close(json, ']');
    return is_good;
}

static bool put_members(struct fm_json_writer *json, const void *context, const char *url,
                        struct fm_error *err)
{
    fm_json_open(json, "source", '{');
    fm_json_put_text(json, "url", url);
    fm_json_close(json, '}');
    return put_outputs(json, context, err);
}

int fm_process_command(int argc, char **argv)
{
    static const struct fm_run_command command = {.name = "process",
                                                  .path = "/v1/videos/process",
                                                  .table = table,
                                                  .row_count = FM_COUNT(table),
                                                  .put_members = put_members};
    struct options options = {0};
    return fm_run_command(&command, &options, argc, argv);
}
