/* `jobs list`: prints one page of the account's jobs, one line each, newest first. */
#ifndef FM_CLI_JOBS_LIST_H
#define FM_CLI_JOBS_LIST_H

/* argv[0] is "list"; returns an exit code. Called by jobs.c. */
int fm_jobs_list(int argc, char **argv);

#endif
