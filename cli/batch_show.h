/* What a person sees of a batch: the bar and lines of show.h, and a summary. Pure. */
#ifndef FM_CLI_BATCH_SHOW_H
#define FM_CLI_BATCH_SHOW_H

#include "cli/show.h"

/* A batch as what show.h draws. Its stage is text of one place, overwritten by the next. */
void fm_batch_show_read(const struct fm_json *json, struct fm_show_job *job);
/* "batch_… failed: 97 succeeded, 3 failed, of 100" and a newline. */
void fm_batch_show_summary(const struct fm_json *json, struct fm_text *out);

#endif
