/*
 * Measures how far a running pipeline is, in seconds of the source: the position of the output that
 * is furthest behind, on the way to the last moment that any output needs. This makes one measure
 * of outputs of different parts, of audio alone and of stills, and it never goes back. Before:
 * demux, mux. After: pipeline, which reports it. Threads: one thread reads the meter; it takes no
 * lock, for the stages' positions are atomic.
 */
#ifndef FM_WORKER_MEDIA_PROGRESS_H
#define FM_WORKER_MEDIA_PROGRESS_H

#include "worker/media/demux.h"
#include "worker/media/mux.h"
#include "worker/media/plan.h"

struct fm_progress_meter {
    const struct fm_plan *plan;
    struct fm_mux *const *muxes; /* one for each output; NULL for an output of format "copy" */
    const struct fm_demux *demux;
    double done_seconds; /* of the last reading */
};

struct fm_progress_reading {
    uint64_t frames;      /* video packets that the output furthest behind has written */
    double done_seconds;  /* of the source, from where reading began */
    double total_seconds; /* what done_seconds will be at the end; 0: unknown */
};

struct fm_progress_reading fm_progress_read(struct fm_progress_meter *meter);

#endif
