/*
 * Makes one encoded stream of one output: frames out of its pipe, cut to the output's part, through
 * the filter, the frame rate and the encoder, into the output's mux. A still image lets one frame
 * through, the one on show at its moment, and then closes its pipe, which tells the decoder to stop
 * working for it.
 * Before: decode. After: mux.
 * Owns: its pipe, from fm_branch_init to fm_branch_done; the mux belongs to the pipeline.
 * Threads: fm_branch_run is one stage and runs on a thread of its own; everything in here is used
 * by that thread alone, but for the pipe, which any thread may close.
 */
#ifndef FM_WORKER_MEDIA_BRANCH_H
#define FM_WORKER_MEDIA_BRANCH_H

#include "common/error.h"
#include "worker/media/cut.h"
#include "worker/media/encode.h"
#include "worker/media/filter.h"
#include "worker/media/frame_rate.h"
#include "worker/media/pipe.h"

struct fm_branch {
    struct fm_pipe *frames; /* AVFrame *, whose pts and time_base are set */
    int64_t moment_us;      /* the moment of a still image, from the source's start */
    struct fm_cut cut;
    struct fm_filter filter;
    struct fm_frame_rate frame_rate;
    struct fm_encode encode;
};

/* Call fm_branch_done even after a failure. The output and the mux must outlive the branch. */
bool fm_branch_init(struct fm_branch *branch, const struct fm_plan_output *output,
                    enum fm_plan_slot slot, struct fm_mux *mux, struct fm_error *err) FM_MUST_CHECK;
/* Returns when the stream has ended, when its part has, or when another thread has closed the pipe
 * (true: the stage that closed it reports why). Errors are those of the filter, the encoder and the
 * mux. */
bool fm_branch_run(struct fm_branch *branch, struct fm_error *err) FM_MUST_CHECK;
void fm_branch_done(struct fm_branch *branch);

#endif
