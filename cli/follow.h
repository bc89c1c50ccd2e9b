/*
 * A job or a batch followed to its end on stderr, by `fetch`, `jobs watch`, `batch watch`. A moment
 * without the service is waited out; Ctrl-C leaves it running and says how to go on.
 */
#ifndef FM_CLI_FOLLOW_H
#define FM_CLI_FOLLOW_H

#include "cli/client.h"

/* Until the job has ended; `answer` then holds it (done by the caller in any case). */
bool fm_follow_run(const struct fm_client *client, const char *job, struct fm_client_answer *answer,
                   struct fm_error *err) FM_MUST_CHECK;
/* The same of a batch. */
bool fm_follow_batch(const struct fm_client *client, const char *batch,
                     struct fm_client_answer *answer, struct fm_error *err) FM_MUST_CHECK;

#endif
