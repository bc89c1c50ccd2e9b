/*
 * The `fetch` command: the request of POST /v1/videos from the options. Everything else is run.c's.
 */
#include "cli/command.h"
#include "cli/run.h"
#include "common/memory.h"

struct options {
    struct fm_run_options run;
};

static const struct fm_setting table[] = {FM_RUN_ROWS(struct options)};

/* Sends the URL as it is: the service finds out which site it belongs to. */
static bool put_members(struct fm_json_writer *json, const void *context, const char *url,
                        struct fm_error *err)
{
    const struct options *options = context;
    fm_json_put_text(json, "url", url);
    if (options->run.name[0] != '\0') {
        fm_json_put_text(json, "filename", options->run.name);
    }
    return options->run.outputs[0] == '\0' || fm_run_put_outputs(json, options->run.outputs, err);
}

int fm_fetch_command(int argc, char **argv)
{
    static const struct fm_run_command command = {.name = "fetch",
                                                  .path = "/v1/videos",
                                                  .table = table,
                                                  .row_count = FM_COUNT(table),
                                                  .put_members = put_members};
    struct options options = {0};
    return fm_run_command(&command, &options, argc, argv);
}
