/* The batch object. Jobs a client has deleted count as ended; how they ended is not told. */
#include "broker/api/batch_view.h"

#include "common/json.h"
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

static void put_jobs(struct fm_json_writer *json, const struct fm_batch_view *batch)
{
    fm_json_open(json, "jobs", '{');
    fm_json_put_integer(json, "total", batch->jobs);
    fm_json_put_integer(json, "queued", batch->queued);
    fm_json_put_integer(json, "running", batch->running);
    fm_json_put_integer(json, "succeeded", batch->succeeded);
    fm_json_put_integer(json, "failed", batch->failed);
    fm_json_put_integer(json, "canceled", batch->canceled);
    fm_json_close(json, '}');
}

static void put_urls(struct fm_json_writer *json, const char *id, const char *base)
{
    static const char *const rows[][2] = {{"self", ""}, {"jobs", "/jobs"}, {"cancel", "/cancel"}};
    fm_json_open(json, "urls", '{');
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        FM_AUTO(fm_text_done) struct fm_text url = {0};
        fm_text_format(&url, "%s/v1/batches/%s%s", base, id, rows[i][1]);
        fm_json_put_text(json, rows[i][0], fm_text_get(&url));
    }
    fm_json_close(json, '}');
}

void fm_batch_view_write(const struct fm_batch_view *batch, const char *base, struct fm_text *out)
{
    struct fm_json_writer json = {.out = out};
    char id[FM_ID_TEXT_SIZE];
    bool is_done = fm_batch_view_is_done(batch);
    int64_t ended = batch->jobs - batch->queued - batch->running;
    fm_id_format(FM_ID_BATCH, &batch->id, id);
    fm_json_open(&json, NULL, '{');
    fm_json_put_text(&json, "id", id);
    fm_json_put_text(&json, "object", "batch");
    fm_json_put_text(&json, "status", fm_batch_view_status(batch));
    fm_json_put_bool(&json, "done", is_done);
    fm_json_put_time(&json, "created_at", fm_id_time_ms(&batch->id) * 1000);
    fm_json_put_time(&json, "completed_at", is_done ? batch->completed_at_us : 0);
    fm_json_put_time(&json, "canceled_at", batch->canceled_at_us);
    put_jobs(&json, batch);
    fm_json_put_double(&json, "percent", 100.0 * (double)ended / (double)batch->jobs);
    put_urls(&json, id, base);
    fm_json_close(&json, '}');
}
