/* Writes the batch object of the API from a batch and its counts; every reply with a batch uses it.
 * Pure. */
#ifndef FM_BROKER_API_BATCH_VIEW_H
#define FM_BROKER_API_BATCH_VIEW_H

#include "broker/db/db.h"

struct fm_batch_view {
    struct fm_id id;
    int64_t jobs;
    int64_t queued, running; /* not ended yet; `queued` includes scheduled jobs */
    int64_t succeeded, failed, canceled;
    int64_t canceled_at_us;  /* when its client canceled the batch; 0: never */
    int64_t completed_at_us; /* when the last job so far ended; 0: none has ended */
};

/* Reads a row of batch_count.sql. */
struct fm_batch_view fm_batch_view_read(const struct fm_db_rows *rows, size_t row);
/* True once every job has ended or was deleted. */
bool fm_batch_view_is_done(const struct fm_batch_view *batch);
/* "running" until the batch is done. Then the first that applies: "canceled" if its client canceled
 * the batch, "failed" if any job failed, "canceled" if any job was canceled, else "succeeded".
 * Static text. */
const char *fm_batch_view_status(const struct fm_batch_view *batch);
/* Appends the object. `base` begins its absolute links. */
void fm_batch_view_write(const struct fm_batch_view *batch, const char *base, struct fm_text *out);

#endif
