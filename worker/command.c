/* Fills in and sends the four tasks. */
#include "worker/command.h"

#include <string.h>

#include "common/clock.h"
#include "common/memory.h"

/* Sends the message and frees it. If it cannot be sent, the child is broken (fm_child_send). */
static void send_task(struct fm_child *child, enum fm_child_state next_state,
                      struct fm_message *message, const int *fds, size_t fd_count)
{
    if (fm_child_send(child, message, fds, fd_count)) {
        child->state = next_state;
    }
    fm_message_done(message);
}

/* At least 1, the smallest value that FETCH may carry; fm_job_tick enforces the deadline itself. */
static uint64_t time_left_ms(const struct fm_job_attempt *attempt)
{
    int64_t left_ms = attempt->deadline_ms - fm_clock_ms();
    return left_ms > 1 ? (uint64_t)left_ms : 1;
}

bool fm_command_fetch(struct fm_job_attempt *attempt, struct fm_error *err)
{
    const struct fm_welcome *welcome = attempt->host->welcome;
    const struct fm_job *job = &attempt->message.job;
    struct fm_message message;
    (void)err;
    fm_message_init(&message, FM_MESSAGE_FETCH);
    message.fetch.spec = job->spec;
    message.fetch.directory = attempt->files.directory;
    message.fetch.time_ms = time_left_ms(attempt);
    message.fetch.max_source_bytes = job->max_source_bytes;
    message.fetch.allow = job->allow;
    message.fetch.own = welcome->own;
    message.fetch.store_origins = welcome->store_origins;
    message.fetch.pin = welcome->pin;
    send_task(attempt->transfer, FM_CHILD_BUSY, &message, NULL, 0);
    return true;
}

/* Its threads cannot use more processor time than this before the deadline (rounded up to seconds),
 * so the limit stops only a child that runs more threads than it was given. */
static bool limit_cpu(struct fm_job_attempt *attempt, struct fm_error *err)
{
    uint64_t seconds = (time_left_ms(attempt) * attempt->host->threads + 999) / 1000;
    return fm_child_limit_cpu(attempt->media, seconds, err);
}

bool fm_command_work(struct fm_job_attempt *attempt, struct fm_error *err)
{
    struct fm_files *files = &attempt->files;
    int fds[1 + FM_FILES_OUTPUTS] = {files->source_fd};
    struct fm_message message;
    if (!limit_cpu(attempt, err) ||
        (!attempt->is_copy && !fm_files_make_outputs(files, &attempt->spec, err))) {
        return false;
    }
    memcpy(fds + 1, files->output_fds, files->output_count * sizeof(*fds));
    fm_message_init(&message, FM_MESSAGE_WORK);
    message.work.spec = attempt->message.job.spec;
    message.work.size_bytes = attempt->size_bytes;
    message.work.max_seconds = attempt->message.job.max_seconds;
    message.work.threads = attempt->host->threads;
    message.work.content_type = attempt->source.content_type;
    send_task(attempt->media, FM_CHILD_BUSY, &message, fds, 1 + files->output_count);
    return true;
}

bool fm_command_verify(struct fm_job_attempt *attempt, struct fm_error *err)
{
    struct fm_files *files = &attempt->files;
    struct fm_message message;
    if (!limit_cpu(attempt, err)) {
        return false;
    }
    fm_message_init(&message, FM_MESSAGE_VERIFY);
    message.verify.expect = attempt->outputs;
    message.verify.max_seconds = attempt->message.job.max_seconds;
    send_task(attempt->media, FM_CHILD_BUSY, &message, files->output_fds, files->output_count);
    return true;
}

bool fm_command_deliver(struct fm_job_attempt *attempt, struct fm_error *err)
{
    struct fm_files *files = &attempt->files;
    struct fm_message message;
    (void)err;
    fm_message_init(&message, FM_MESSAGE_DELIVER);
    message.deliver.files = attempt->outputs;
    if (attempt->is_copy) {
        send_task(attempt->transfer, FM_CHILD_DELIVERING, &message, &files->source_fd, 1);
    } else {
        send_task(attempt->transfer, FM_CHILD_DELIVERING, &message, files->output_fds,
                  files->output_count);
    }
    return true;
}
