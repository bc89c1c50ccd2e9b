/*
 * One stream of one output on its way: frames out of its pipe, cut to its part, through its
 * filter, pace and encoder, into its output's file. A still lets one frame through, the one on show
 * at its moment, and closes its pipe. Before: decode. After: a stream of a file. Threads: runs on
 * its own.
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
    struct fm_pipe *frames;
    int64_t moment_us; /* of a still */
    struct fm_cut cut;
    struct fm_filter filter;
    struct fm_frame_rate frame_rate;
    struct fm_encode encode;
};

bool fm_branch_init(struct fm_branch *branch, const struct fm_plan_output *output,
                    enum fm_plan_slot slot, struct fm_mux *mux, struct fm_error *err) FM_MUST_CHECK;
bool fm_branch_run(struct fm_branch *branch, struct fm_error *err) FM_MUST_CHECK;
void fm_branch_done(struct fm_branch *branch);

#endif
