/* Encodes each message anew: towards the broker with the attempt's ids, towards a child without. */
#include "worker/relay.h"

#include <string.h>

#include "common/clock.h"

#define PROGRESS_INTERVAL_MS 500 /* for one attempt: a hasty child must not flood the link */

static struct fm_slice slice_of_id(const struct fm_id *id)
{
    return (struct fm_slice){(const char *)id->bytes, sizeof(id->bytes)};
}

/* A later stage does not report what an earlier one has counted, so keep those numbers. */
static void keep_counts(struct fm_progress *progress, const struct fm_progress *before)
{
    if (progress->stage > FM_STAGE_DOWNLOAD) {
        progress->downloaded_bytes = before->downloaded_bytes;
        progress->total_bytes = before->total_bytes;
    }
    if (progress->stage > FM_STAGE_PROCESS) {
        progress->frames = before->frames;
    }
}

void fm_relay_note_progress(struct fm_job_attempt *attempt, const struct fm_progress *progress)
{
    if (progress->source != NULL && !attempt->is_probed) {
        fm_facts_add_source(&attempt->source, progress->source, &attempt->arena);
        attempt->has_facts = true;
        attempt->is_probed = true;
    }
    struct fm_progress before = attempt->progress;
    attempt->progress = *progress;
    keep_counts(&attempt->progress, &before);
    attempt->is_progress_due = true;
}

/* `attempt->progress` was copied from a child's message that is freed by now: every pointer in it
 * is replaced here. A PROGRESS that cannot be sent is lost; the next one supersedes it. */
static void send_progress(struct fm_job_attempt *attempt)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_PROGRESS);
    message.progress = attempt->progress;
    message.progress.account = slice_of_id(&attempt->account);
    message.progress.job = slice_of_id(&attempt->job);
    message.progress.lease = attempt->lease;
    message.progress.source = attempt->has_facts ? &attempt->source : NULL;
    fm_link_send(attempt->host->link, &message);
    fm_message_done(&message);
}

int64_t fm_relay_tick(struct fm_job_attempt *attempt, int64_t now_ms)
{
    if (!attempt->is_progress_due || attempt->phase != FM_JOB_RUNNING) {
        return FM_CLOCK_NEVER;
    }
    if (now_ms < attempt->progress_at_ms) {
        return attempt->progress_at_ms;
    }
    send_progress(attempt);
    attempt->is_progress_due = false;
    attempt->progress_at_ms = now_ms + PROGRESS_INTERVAL_MS;
    return FM_CLOCK_NEVER;
}

static bool is_output(const struct fm_job_attempt *attempt, const char *name)
{
    const struct fm_file_facts *outputs = attempt->outputs.items;
    for (size_t i = 0; i < attempt->outputs.count; i++) {
        if (name != NULL && strcmp(outputs[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool fm_relay_want_upload(struct fm_job_attempt *attempt, const struct fm_want_upload *want)
{
    const struct fm_file_facts *files = want->files.items;
    struct fm_message message;
    for (size_t i = 0; i < want->files.count; i++) {
        if (!is_output(attempt, files[i].name)) {
            return false;
        }
    }
    fm_message_init(&message, FM_MESSAGE_WANT_UPLOAD);
    message.want_upload.account = slice_of_id(&attempt->account);
    message.want_upload.job = slice_of_id(&attempt->job);
    message.want_upload.lease = attempt->lease;
    message.want_upload.files = want->files;
    fm_link_send(attempt->host->link, &message);
    fm_message_done(&message);
    return true;
}

void fm_relay_upload(struct fm_job_attempt *attempt, const struct fm_upload *upload)
{
    struct fm_message message;
    if (attempt->transfer == NULL || attempt->transfer->state != FM_CHILD_DELIVERING) {
        return;
    }
    /* Without ids: a child knows none. */
    fm_message_init(&message, FM_MESSAGE_UPLOAD);
    message.upload.places = upload->places;
    fm_child_send(attempt->transfer, &message, NULL, 0);
    fm_message_done(&message);
}

void fm_relay_origins(struct fm_job_attempt *attempt)
{
    const struct fm_welcome *welcome = attempt->host->welcome;
    struct fm_child *transfer = attempt->transfer;
    struct fm_message message;
    if (transfer == NULL ||
        (transfer->state != FM_CHILD_BUSY && transfer->state != FM_CHILD_DELIVERING)) {
        return;
    }
    fm_message_init(&message, FM_MESSAGE_ORIGINS);
    message.origins.own = welcome->own;
    message.origins.store_origins = welcome->store_origins;
    message.origins.pin = welcome->pin;
    fm_child_send(transfer, &message, NULL, 0);
    fm_message_done(&message);
}

void fm_relay_result(struct fm_job_attempt *attempt)
{
    struct fm_message message;
    fm_message_init(&message, FM_MESSAGE_RESULT);
    message.result.account = slice_of_id(&attempt->account);
    message.result.job = slice_of_id(&attempt->job);
    message.result.lease = attempt->lease;
    message.result.how = attempt->how;
    message.result.error = attempt->error;
    message.result.detail = attempt->detail[0] != '\0' ? attempt->detail : NULL;
    message.result.source = attempt->has_facts ? &attempt->source : NULL;
    if (attempt->how == FM_HOW_SUCCEEDED) {
        message.result.outputs = attempt->outputs;
    }
    fm_link_send(attempt->host->link, &message);
    fm_message_done(&message);
}
