/* `jobs list`: one line a job, newest first. */
#ifndef FM_CLI_JOBS_LIST_H
#define FM_CLI_JOBS_LIST_H

/* Takes the words from "list" on; returns an exit code. */
int fm_jobs_list(int argc, char **argv);

#endif
