/*
 * Makes all outputs of a job from one decode: plan → demux → decode → cut → filter → frame_rate →
 * encode → mux. Demuxer, decoders and branches are a thread each, with bounded pipes between them.
 * The first error of any stage ends all of them and is the error reported.
 * Before: an opened input and the checked spec. After: complete files behind the output
 * descriptors, and the facts expected of each, which verify then proves. Threads: starts its own
 * and has joined them all when it returns. One call at a time in a process, because libav's log
 * callback is global.
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
    uint64_t max_seconds;  /* the longest source allowed; 0: any */
    const int *output_fds; /* one for each output of the spec; read-write, empty, seekable */
    unsigned threads;      /* for all codecs together */
    void *context;         /* for on_progress */
    /* Called on the calling thread, at most twice a second; may be NULL. */
    void (*on_progress)(void *context, const struct fm_progress_reading *reading);
};

/* Fills made[0 .. spec->outputs.count) with name, extension, content_type, duration, streams, frame
 * count and reason, all in the arena. Descriptors and input stay the caller's.
 * UNSUPPORTED_CODEC, MEDIA_INVALID, MEDIA_TOO_LARGE, MEDIA_TOO_LONG, TRIM_OUTSIDE, NO_MEDIA_FOUND
 * (an mp3 of a film without audio, say), RESOURCE_DISK, RESOURCE_MEMORY. */
bool fm_pipeline_run(const struct fm_pipeline_request *request, struct fm_arena *arena,
                     struct fm_file_facts *made, struct fm_error *err) FM_MUST_CHECK;

#endif
