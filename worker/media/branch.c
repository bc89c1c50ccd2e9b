/*
 * The chain is built of callbacks: cut hands each frame to feed_filter, the filter to
 * pass_to_frame_rate, the frame rate to encode_frame. All of it runs within one call of
 * fm_cut_feed, so a frame is through the encoder before the next one leaves the pipe.
 */
#include "worker/media/branch.h"

#include <math.h>

#include "worker/media/decode.h"

/* The video encoder opens with the first frame that reaches it: the colour space and the final size
 * are known only from a filtered frame. */
static bool encode_frame(void *context, AVFrame *frame, struct fm_error *err)
{
    struct fm_encode *encode = &((struct fm_branch *)context)->encode;
    if (!encode->codec && !fm_encode_open(encode, frame, err)) {
        return false;
    }
    return fm_encode_frame(encode, frame, err);
}

static bool pass_to_frame_rate(void *context, AVFrame *frame, struct fm_error *err)
{
    return fm_frame_rate_feed(&((struct fm_branch *)context)->frame_rate, frame, err);
}

bool fm_branch_init(struct fm_branch *branch, const struct fm_plan_output *output,
                    enum fm_plan_slot slot, struct fm_mux *mux, struct fm_error *err)
{
    const struct fm_plan_stream *plan = &output->streams[slot];
    *branch = (struct fm_branch){
        .frames = fm_decode_pipe_new(),
        .moment_us = llround(output->moment_seconds * AV_TIME_BASE),
        .encode = {.plan = plan, .mux = mux, .slot = slot},
    };
    fm_cut_init(&branch->cut, &output->part, plan);
    return fm_filter_init(&branch->filter, plan, err) &&
           fm_frame_rate_init(&branch->frame_rate, plan, encode_frame, branch, err);
}

/* The filter cuts audio into frames of the encoder's size, so the audio encoder has to be open
 * before its filter sees a frame. */
static bool feed_filter(void *context, AVFrame *frame, struct fm_error *err)
{
    struct fm_branch *branch = context;
    struct fm_encode *encode = &branch->encode;
    if (!encode->codec && encode->plan->encoder->type == AVMEDIA_TYPE_AUDIO) {
        if (!fm_encode_open(encode, NULL, err)) {
            av_frame_free(&frame);
            return false;
        }
        branch->filter.frame_size = encode->codec->frame_size;
    }
    return fm_filter_feed(&branch->filter, frame, pass_to_frame_rate, branch, err);
}

/* ---- a still image ---- */

static bool begins_after_moment(const struct fm_branch *branch, const AVFrame *frame)
{
    return av_rescale_q(frame->pts, frame->time_base, AV_TIME_BASE_Q) > branch->moment_us;
}

/* The last frame that begins at or before the moment; if all begin after it, the first one. NULL if
 * there was no frame at all or the pipe was closed. The caller owns the frame. */
static AVFrame *find_still(struct fm_branch *branch)
{
    AVFrame *shown = NULL;
    void *item = NULL;
    while (fm_pipe_get(branch->frames, &item) && item) {
        AVFrame *frame = item;
        bool after = begins_after_moment(branch, frame);
        if (after && shown) {
            av_frame_free(&frame);
            break;
        }
        av_frame_free(&shown);
        shown = frame;
        if (after) {
            break;
        }
    }
    return shown;
}

static bool feed_still(struct fm_branch *branch, struct fm_error *err)
{
    AVFrame *frame = find_still(branch);
    fm_pipe_close(branch->frames);
    return !frame || feed_filter(branch, frame, err);
}

/* ---- the whole stage ---- */

/* Reads until the stream or the output's part has ended. In the second case the decoder may have
 * more, so the pipe is closed to stop it. */
static bool feed_all(struct fm_branch *branch, struct fm_error *err)
{
    void *item = NULL;
    while (!branch->cut.ended && fm_pipe_get(branch->frames, &item) && item) {
        if (!fm_cut_feed(&branch->cut, item, feed_filter, branch, err)) {
            return false;
        }
    }
    if (!branch->cut.ended) {
        return fm_cut_feed(&branch->cut, NULL, feed_filter, branch, err);
    }
    fm_pipe_close(branch->frames);
    return true;
}

static bool finish_stream(struct fm_branch *branch, struct fm_error *err)
{
    struct fm_encode *encode = &branch->encode;
    return fm_filter_feed(&branch->filter, NULL, pass_to_frame_rate, branch, err) &&
           fm_frame_rate_feed(&branch->frame_rate, NULL, err) &&
           (!encode->codec || fm_encode_frame(encode, NULL, err)) &&
           fm_mux_end(encode->mux, encode->slot, err);
}

bool fm_branch_run(struct fm_branch *branch, struct fm_error *err)
{
    bool still = branch->encode.plan->still;
    if (!(still ? feed_still(branch, err) : feed_all(branch, err))) {
        return false;
    }
    /* Only another stage that failed closes the pipe of a branch that still wants frames. What is
     * made from here on would be thrown away. */
    if (!still && !branch->cut.ended && fm_pipe_is_closed(branch->frames)) {
        return true;
    }
    return finish_stream(branch, err);
}

void fm_branch_done(struct fm_branch *branch)
{
    fm_cut_done(&branch->cut);
    fm_filter_done(&branch->filter);
    fm_frame_rate_done(&branch->frame_rate);
    fm_encode_done(&branch->encode);
    fm_pipe_destroy(&branch->frames);
}
