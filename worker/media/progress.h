/*
 * How far a job is, in the source's time: where reading is, or the output furthest behind it, on
 * the way to the last moment any output is made of. So outputs of different parts, of sound alone
 * and of stills make one measure, which never goes back.
 * Before: demux, mux. After: progress. Threads: one reads; what it reads is atomic.
 */
#ifndef FM_WORKER_MEDIA_PROGRESS_H
#define FM_WORKER_MEDIA_PROGRESS_H

#include "worker/media/demux.h"
#include "worker/media/mux.h"
#include "worker/media/plan.h"

struct fm_progress_meter {
    const struct fm_plan *plan;
    struct fm_mux *const *muxes; /* one an output; NULL for a copy of the source */
    const struct fm_demux *demux;
    double done_seconds; /* as last read */
};

struct fm_progress_reading {
    uint64_t frames;      /* encoded by the output furthest behind */
    double done_seconds;  /* of the source */
    double total_seconds; /* 0: unknown */
};

struct fm_progress_reading fm_progress_read(struct fm_progress_meter *meter);

#endif
