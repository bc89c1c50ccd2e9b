/* Counts a batch's jobs for the terminal: see batch_show.h. */
#include "cli/batch_show.h"

#include <stdio.h>
#include <string.h>

#include "common/memory.h"

/* A number of the batch's "jobs" object; 0 where it is absent. */
static long long count(const struct fm_json *json, const char *name)
{
    return (long long)fm_json_integer(fm_json_get(fm_json_get(json, "jobs"), name));
}

void fm_batch_show_read(const struct fm_json *json, struct fm_show_job *job)
{
    static char stage[96];
    long long total = count(json, "total"), failed = count(json, "failed");
    long long ended = total - count(json, "queued") - count(json, "running");
    int length = snprintf(stage, sizeof(stage), "%lld of %lld", ended, total);
    if (failed > 0) {
        snprintf(stage + length, sizeof(stage) - (size_t)length, ", %lld failed", failed);
    }
    *job = (struct fm_show_job){
        .id = fm_json_text(fm_json_get(json, "id")),
        .status = fm_json_text(fm_json_get(json, "status")),
        .stage = stage,
        .reason = "",
        .is_done = fm_json_bool(fm_json_get(json, "done")),
        .percent = fm_json_double(fm_json_get(json, "percent")),
        .eta_seconds = -1,
        .speed = -1,
    };
    job->has_succeeded = strcmp(job->status, "succeeded") == 0;
}

void fm_batch_show_summary(const struct fm_json *json, struct fm_text *out)
{
    static const char *const names[] = {"queued", "running", "succeeded", "failed", "canceled"};
    fm_show_clean(fm_json_text(fm_json_get(json, "id")), out);
    fm_text_append_char(out, ' ');
    fm_show_clean(fm_json_text(fm_json_get(json, "status")), out);
    fm_text_append(out, ": ");
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        if (count(json, names[i]) > 0) {
            fm_text_format(out, "%lld %s, ", count(json, names[i]), names[i]);
        }
    }
    fm_text_format(out, "of %lld\n", count(json, "total"));
}
