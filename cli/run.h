/*
 * Runs one job from the command line: submits it, follows it and saves its outputs. `fetch` and
 * `process` build a struct fm_run each and share everything after that.
 */
#ifndef FM_CLI_RUN_H
#define FM_CLI_RUN_H

#include "common/json.h"

/* All texts are borrowed. */
struct fm_run {
    const char *path;     /* of the endpoint the body is POSTed to */
    const char *body;     /* JSON */
    const char *name;     /* for the saved files; "": the outputs' own names */
    const char *download; /* directory to save the outputs in; "": do not save them */
    bool goes_on;         /* --no-wait: return once the job is accepted */
    bool wants_json;
};

/* SETTING unless there is exactly one argument (the URL) and the options are compatible;
 * `command` is the name for the usage message. */
bool fm_run_check(const struct fm_run *run, const char *command, size_t word_count,
                  struct fm_error *err) FM_MUST_CHECK;
/* Writes the member "outputs" from --outputs: a JSON array, or @FILE that holds one, up to 256 KiB.
 * Its content is for the service to check; SETTING when it is not a JSON array. */
bool fm_run_put_outputs(struct fm_json_writer *writer, const char *given,
                        struct fm_error *err) FM_MUST_CHECK;
/* Submits, follows, prints and saves. The job goes to stdout, its id and progress to stderr.
 * Returns an exit code; errors are printed here. */
int fm_run_job(const struct fm_run *run);

#endif
