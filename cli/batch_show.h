/*
 * Turns a batch object of the API into what show.h can draw, and into a summary line for the
 * terminal. Pure: it neither calls the service nor prints. Called by follow.c and batch.c.
 * Threads: the main thread alone, because the stage text is one static buffer.
 */
#ifndef FM_CLI_BATCH_SHOW_H
#define FM_CLI_BATCH_SHOW_H

#include "cli/show.h"

/* Fills `job` from the batch: the stage is "ENDED of TOTAL", with the number of failed jobs. Texts
 * are borrowed from `json`, except the stage, which the next call overwrites. */
void fm_batch_show_read(const struct fm_json *json, struct fm_show_job *job);
/* Appends "batch_… failed: 97 succeeded, 3 failed, of 100" and a newline; statuses that no job has
 * are left out. */
void fm_batch_show_summary(const struct fm_json *json, struct fm_text *out);

#endif
