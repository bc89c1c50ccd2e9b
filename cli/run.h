/* One job from the command line: submitted, followed, and what came of it saved. */
#ifndef FM_CLI_RUN_H
#define FM_CLI_RUN_H

#include "common/json.h"

struct fm_run {
    const char *path;     /* what is POSTed to */
    const char *body;     /* JSON */
    const char *name;     /* of the files, "" for their own */
    const char *download; /* the directory they are saved in, "" for none */
    bool goes_on;         /* returns once the job is accepted */
    bool wants_json;
};

/* One word is given, and what is asked besides goes together; `command` names the usage. */
bool fm_run_check(const struct fm_run *run, const char *command, size_t word_count,
                  struct fm_error *err) FM_MUST_CHECK;
/* "outputs" as they were typed: a JSON array, or @FILE with one in it. */
bool fm_run_put_outputs(struct fm_json_writer *writer, const char *given,
                        struct fm_error *err) FM_MUST_CHECK;
/* Does it all, tells the user, and returns an exit code. */
int fm_run_job(const struct fm_run *run);

#endif
