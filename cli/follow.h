/*
 * Follows a job or a batch until it has ended, showing progress on stderr. Called by run.c
 * (`fetch`, `process`), jobs.c and batch.c. Once the service has answered, up to a minute without
 * an answer is waited out, and a rate limit (429) for as long as it lasts. Ctrl-C ends this
 * process, not the job, and prints the command that follows it again. Threads: the main thread
 * alone; SIGINT has a handler of its own while following.
 */
#ifndef FM_CLI_FOLLOW_H
#define FM_CLI_FOLLOW_H

#include "cli/client.h"

/* Returns true when the job has ended, however it ended; `answer` then holds the job object. The
 * caller releases `answer` in both cases. `job` is an id that was parsed: it goes into a path. */
bool fm_follow_run(const struct fm_client *client, const char *job, struct fm_client_answer *answer,
                   struct fm_error *err) FM_MUST_CHECK;
/* The same for a batch; `answer` then holds the batch object. */
bool fm_follow_batch(const struct fm_client *client, const char *batch,
                     struct fm_client_answer *answer, struct fm_error *err) FM_MUST_CHECK;

#endif
