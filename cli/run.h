/* One job from the command line: submitted, followed, and what came of it saved. */
#ifndef FM_CLI_RUN_H
#define FM_CLI_RUN_H

#include <stdbool.h>

struct fm_run {
    const char *path;     /* what is POSTed to */
    const char *body;     /* JSON */
    const char *name;     /* of the files, "" for their own */
    const char *download; /* the directory they are saved in, "" for none */
    bool goes_on;         /* returns once the job is accepted */
    bool wants_json;
};

/* Does it all, tells the user, and returns an exit code. */
int fm_run_job(const struct fm_run *run);

#endif
