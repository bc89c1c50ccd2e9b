/* Handles a child's messages: one function for each type. */
#include "worker/child_message.h"

#include "common/file.h"
#include "common/memory.h"
#include "worker/relay.h"

/* Voids all that media has made of an older generation of the source. */
static void start_over(struct fm_job_attempt *attempt)
{
    attempt->is_complete = false;
    attempt->is_worked = false;
    attempt->is_verified = false;
    attempt->is_probed = false;
    attempt->outputs = (struct fm_list){NULL, 0};
    fm_files_close_outputs(&attempt->files);
    if (attempt->media != NULL) {
        attempt->is_media_void = true;
        fm_child_kill(attempt->media);
    }
}

/* Transfer sends a new generation when it has to begin the download anew. The number must rise, so
 * that a late message about an older file cannot be taken for the present one. */
static void handle_source(struct fm_job_attempt *attempt, struct fm_child *child,
                          const struct fm_message *message, int *fds)
{
    const struct fm_source *source = &message->source;
    struct fm_error err = {0};
    if (source->source != 0 || source->generation <= attempt->generation) {
        fm_child_break(child, "the generation of SOURCE is not a new one");
        return;
    }
    start_over(attempt);
    attempt->generation = source->generation;
    if (!fm_files_take_source(&attempt->files, &fds[0], &err)) {
        fm_child_break(child, "SOURCE: %s", err.detail);
        return;
    }
    if (source->facts != NULL) {
        fm_facts_add_source(&attempt->source, source->facts, &attempt->arena);
        attempt->has_facts = true;
        attempt->progress.source = NULL;
        attempt->is_progress_due = true;
    }
}

/* The worker measures the file itself: media must not be given a size that is not true. */
static void handle_complete(struct fm_job_attempt *attempt, struct fm_child *child,
                            const struct fm_message *message, int *fds)
{
    const struct fm_complete *complete = &message->complete;
    struct fm_error err = {0};
    int64_t size_bytes = 0;
    (void)fds;
    if (complete->generation < attempt->generation) {
        return;
    }
    if (complete->source != 0 || complete->generation > attempt->generation ||
        attempt->generation == 0 || attempt->is_complete) {
        fm_child_break(child, "COMPLETE came out of turn");
        return;
    }
    if (!fm_file_size(attempt->files.source_fd, &size_bytes, &err) ||
        (uint64_t)size_bytes != complete->size_bytes) {
        fm_child_break(child, "the size in COMPLETE is not the size of the file");
        return;
    }
    attempt->size_bytes = complete->size_bytes;
    attempt->is_complete = true;
}

/* Transfer may ask for URLs of the attempt's own outputs only. */
static void handle_want_upload(struct fm_job_attempt *attempt, struct fm_child *child,
                               const struct fm_message *message, int *fds)
{
    (void)fds;
    if (!fm_relay_want_upload(attempt, &message->want_upload)) {
        fm_child_break(child, "WANT_UPLOAD names a file that is not an output");
    }
}

static void handle_progress(struct fm_job_attempt *attempt, struct fm_child *child,
                            const struct fm_message *message, int *fds)
{
    (void)child;
    (void)fds;
    fm_relay_note_progress(attempt, &message->progress);
}

/* READY only changes the child's state (child.c). EXTENT is for readers of a growing file; the
 * worker has none, for WORK waits for COMPLETE. */
static const struct {
    enum fm_message_type type;
    void (*handle)(struct fm_job_attempt *, struct fm_child *, const struct fm_message *, int *);
} handlers[] = {
    {FM_MESSAGE_SOURCE, handle_source},
    {FM_MESSAGE_COMPLETE, handle_complete},
    {FM_MESSAGE_WANT_UPLOAD, handle_want_upload},
    {FM_MESSAGE_PROGRESS, handle_progress},
};

void fm_child_message_handle(struct fm_job_attempt *attempt, struct fm_child *child,
                             const struct fm_message *message, int *fds)
{
    for (size_t i = 0; i < FM_COUNT(handlers); i++) {
        if (handlers[i].type == message->type) {
            handlers[i].handle(attempt, child, message, fds);
        }
    }
}
