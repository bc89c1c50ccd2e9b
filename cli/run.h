/*
 * Runs one job from the command line: reads the options, submits the job, follows it and saves its
 * outputs. `fetch` and `process` differ in their own options and in the request's body only; each
 * describes them in a struct fm_run_command.
 */
#ifndef FM_CLI_RUN_H
#define FM_CLI_RUN_H

#include "common/json.h"
#include "common/settings.h"

/* The options of both commands, with their rows. A command's own struct begins with this one, as
 * its member `run`. */
struct fm_run_options {
    char *outputs;  /* --outputs: JSON, or @FILE; "": not given */
    char *name;     /* for the saved files; "": the outputs' own names */
    char *download; /* directory to save the outputs in; "": do not save them */
    bool no_wait;   /* return once the job is accepted */
    bool json;      /* print the job object */
};
#define FM_RUN_ROW(type, kind, name, standard, max, help)                                          \
    FM_ROW(FM_KIND_##kind, #name, offsetof(type, run.name), standard, 0, max, help)
#define FM_RUN_ROWS(type)                                                                          \
    FM_RUN_ROW(type, TEXT, outputs, "", 65536,                                                     \
               "The outputs array of the API, or @FILE holding it"),                               \
        FM_RUN_ROW(type, TEXT, name, "", 200, "Name of the saved files"),                          \
        FM_RUN_ROW(type, TEXT, download, "", 4096, "Directory to save the outputs in"),            \
        FM_RUN_ROW(type, BOOL, no_wait, "false", 1, "Return once the job is accepted"),            \
        FM_RUN_ROW(type, BOOL, json, "false", 1, "Print the job object")

struct fm_run_command {
    const char *name; /* for the usage message */
    const char *path; /* of the endpoint that the job is POSTed to */
    const struct fm_setting *table;
    size_t row_count;
    /* Writes the members of the request's JSON object; `options` is what was filled by `table`. */
    bool (*put_members)(struct fm_json_writer *json, const void *options, const char *url,
                        struct fm_error *err);
};

/* Writes the member "outputs" from --outputs: a JSON array, or @FILE that holds one, up to 256 KiB.
 * Its content is for the service to check; SETTING when it is not a JSON array. */
bool fm_run_put_outputs(struct fm_json_writer *writer, const char *given,
                        struct fm_error *err) FM_MUST_CHECK;
/* Runs the command. `options`, zeroed, begins with a struct fm_run_options and is filled and
 * released here. The job goes to stdout, its id and progress to stderr. Returns an exit code;
 * errors are printed here. */
int fm_run_command(const struct fm_run_command *command, void *options, int argc, char **argv);

#endif
