/* A batch and its counts → the one JSON object a batch is everywhere. Pure. */
#ifndef FM_BROKER_API_BATCH_VIEW_H
#define FM_BROKER_API_BATCH_VIEW_H

#include "broker/db/db.h"

struct fm_batch_view {
    struct fm_id id;
    int64_t jobs;
    int64_t queued, running; /* have not ended; queued: scheduled ones too */
    int64_t succeeded, failed, canceled;
    int64_t canceled_at_us;  /* when its client had it canceled; 0: not */
    int64_t completed_at_us; /* of what ended last; 0: nothing did */
};

/* Of a row of batch_count.sql. */
struct fm_batch_view fm_batch_view_read(const struct fm_db_rows *rows, size_t row);
/* Every job has ended, or is no more. */
bool fm_batch_view_is_done(const struct fm_batch_view *batch);
/* "running" until it is done; then "canceled" where its client did that, "failed" if any job did,
 * "canceled" if any job was, else "succeeded". */
const char *fm_batch_view_status(const struct fm_batch_view *batch);
/* Appends the object. `base`: of absolute links. */
void fm_batch_view_write(const struct fm_batch_view *batch, const char *base, struct fm_text *out);

#endif
