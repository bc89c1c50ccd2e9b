/* Writes the batch object: see batch_view.h. A job that a client has deleted counts as ended, but
 * in none of succeeded, failed and canceled, so these may add up to less than the total. */
#include "broker/api/batch_view.h"

#include "broker/api/replies.h"
#include "common/memory.h"
#include "common/state.h"

struct fm_batch_view fm_batch_view_read(const struct fm_db_rows *rows, size_t row)
{
    return (struct fm_batch_view){
        .id = fm_db_id(rows, row, 0),
        .jobs = fm_db_integer(rows, row, 1),
        .canceled_at_us = fm_db_integer(rows, row, 2),
        .queued = fm_db_integer(rows, row, 3),
        .running = fm_db_integer(rows, row, 4),
        .succeeded = fm_db_integer(rows, row, 5),
        .failed = fm_db_integer(rows, row, 6),
        .canceled = fm_db_integer(rows, row, 7),
        .completed_at_us = fm_db_integer(rows, row, 8),
    };
}

bool fm_batch_view_is_done(const struct fm_batch_view *batch)
{
    return batch->queued + batch->running == 0;
}

const char *fm_batch_view_status(const struct fm_batch_view *batch)
{
    enum fm_state state = FM_STATE_SUCCEEDED;
    if (!fm_batch_view_is_done(batch)) {
        state = FM_STATE_RUNNING;
    } else if (batch->canceled_at_us != 0) {
        state = FM_STATE_CANCELED;
    } else if (batch->failed > 0) {
        state = FM_STATE_FAILED;
    } else if (batch->canceled > 0) {
        state = FM_STATE_CANCELED;
    }
    return fm_state_name(state);
}

/* `more`: what follows the batch's own URL. */
static void format_url(struct fm_text *url, const char *base, const char *id, const char *more)
{
    fm_text_format(url, "%s/v1/batches/%s%s", base, id, more);
}

void fm_batch_view_write(const struct fm_batch_view *batch, const char *base, struct fm_text *out)
{
    FM_AUTO(fm_text_done) struct fm_text self = {0}, jobs = {0}, cancel = {0};
    char id[FM_ID_TEXT_SIZE];
    bool is_done = fm_batch_view_is_done(batch);
    int64_t ended = batch->jobs - batch->queued - batch->running;
    fm_id_format(FM_ID_BATCH, &batch->id, id);
    format_url(&self, base, id, "");
    format_url(&jobs, base, id, "/jobs");
    format_url(&cancel, base, id, "/cancel");
    const struct fm_reply_batch_urls urls = {fm_text_get(&self), fm_text_get(&jobs),
                                             fm_text_get(&cancel)};
    const struct fm_reply_batch_jobs counts = {
        .total = batch->jobs,
        .queued = batch->queued,
        .running = batch->running,
        .succeeded = batch->succeeded,
        .failed = batch->failed,
        .canceled = batch->canceled,
    };
    const struct fm_reply_batch reply = {
        .id = batch->id,
        .status = fm_batch_view_status(batch),
        .done = is_done,
        .created_at = fm_id_time_ms(&batch->id) * 1000,
        .completed_at = is_done ? batch->completed_at_us : 0,
        .canceled_at = batch->canceled_at_us,
        .jobs = &counts,
        .percent = 100.0 * (double)ended / (double)batch->jobs,
        .urls = &urls,
    };
    fm_reply_write_batch(&reply, out);
}
