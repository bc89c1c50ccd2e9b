/*
 * One decode, many outputs: plan → demux → decode → filter → encode → mux, each stage a thread with
 * a bounded queue before it. The first error any stage meets ends all of them and is the one
 * reported. Before: an opened input and the checked spec. After: complete files behind the output
 * descriptors, and what is expected of each (verify proves it). Threads: makes its own and has
 * joined them all when it returns.
 */
#ifndef FM_WORKER_MEDIA_PIPELINE_H
#define FM_WORKER_MEDIA_PIPELINE_H

#include "proto/message.h"
#include "proto/spec.h"
#include "worker/media/input.h"
#include "worker/media/progress.h"

struct fm_pipeline_request {
    struct fm_input *input;
    const struct fm_spec *spec;
    uint64_t max_seconds;  /* of the source; 0: any */
    const int *output_fds; /* one an output of the spec; read-write, empty, seekable */
    unsigned threads;      /* for codecs, in all */
    void *context;
    /* From the calling thread, at most twice a second; may be NULL. */
    void (*on_progress)(void *context, const struct fm_progress_reading *reading);
};

/* Fills made[0 .. spec->outputs.count): name, extension, content_type, duration, streams, frames
 * where the plan fixes them, reason. All in the arena. UNSUPPORTED_CODEC, MEDIA_INVALID,
 * MEDIA_TOO_LARGE, NO_MEDIA_FOUND (an mp3 of a silent film), RESOURCE_DISK, RESOURCE_MEMORY. */
bool fm_pipeline_run(const struct fm_pipeline_request *request, struct fm_arena *arena,
                     struct fm_file_facts *made, struct fm_error *err) FM_MUST_CHECK;

#endif
