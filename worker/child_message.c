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
    fm_files_drop_outputs(&attempt->files);
    if (attempt->media != NULL) {
        attempt->is_media_void = true;
        fm_child_kill(attempt->media);
    }
}

/* Transfer sends a new generation when it has to begin the download anew. The number must rise, so
 * that a late message about an older file cannot be taken for the present one. */
static void take_source(struct fm_job_attempt *attempt, struct fm_child *child,
                        const struct fm_message *message, int *fds)
{
    const struct fm_source *source = &message->source;
    struct fm_error err = {0};
    if (source->source != 0 || source->generation <= attempt->generation) {
        fm_child_break(child, "SOURCE of a generation that is not new");
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
static void take_complete(struct fm_job_attempt *attempt, struct fm_child *child,
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
        fm_child_break(child, "COMPLETE out of turn");
        return;
    }
    if (!fm_file_size(attempt->files.source_fd, &size_bytes, &err) ||
        (uint64_t)size_bytes != complete->size_bytes) {
        fm_child_break(child, "COMPLETE tells another size than the file's");
        return;
    }
    attempt->size_bytes = complete->size_bytes;
    attempt->is_complete = true;
}

/* Transfer may ask for URLs of the attempt's own outputs only. */
static void take_want_upload(struct fm_job_attempt *attempt, struct fm_child *child,
                             const struct fm_message *message, int *fds)
{
    (void)fds;
    if (!fm_relay_want_upload(attempt, &message->want_upload)) {
        fm_child_break(child, "WANT_UPLOAD of a file that is no output");
    }
}

static void take_progress(struct fm_job_attempt *attempt, struct fm_child *child,
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
    void (*take)(struct fm_job_attempt *, struct fm_child *, const struct fm_message *, int *);
} words[] = {
    {FM_MESSAGE_SOURCE, take_source},
    {FM_MESSAGE_COMPLETE, take_complete},
    {FM_MESSAGE_WANT_UPLOAD, take_want_upload},
    {FM_MESSAGE_PROGRESS, take_progress},
};

void fm_child_message_handle(struct fm_job_attempt *attempt, struct fm_child *child,
                             const struct fm_message *message, int *fds)
{
    for (size_t i = 0; i < FM_COUNT(words); i++) {
        if (words[i].type == message->type) {
            words[i].take(attempt, child, message, fds);
        }
    }
}
