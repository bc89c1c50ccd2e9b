/* See the head of loss.h. */
#include "worker/media/loss.h"

#include <string.h>

#include "worker/media/keyframe.h"
#include "worker/media/probe.h"

/* So much may be hidden and shown after all: the samples that encoders put before the first. */
#define HIDDEN_SECONDS 0.1

/* Only MP4 and its kin have a matrix to turn a picture by, and edit lists. */
static bool stores_presentation(const struct fm_format_row *format)
{
    const char *muxer = format->muxer;
    return !strcmp(muxer, "mp4") || !strcmp(muxer, "mov") || !strcmp(muxer, "ipod");
}

/* What is hidden lies before the source's start: a remux that begins later has none of it. */
static bool begins_hidden(const struct fm_plan *plan, const struct fm_plan_output *output)
{
    const AVStream *picture = output->streams[FM_PLAN_VIDEO].source;
    double start = output->part.start_seconds;
    return (picture ? fm_keyframe_before(plan->input, picture, start) : start) <= 0;
}

const char *fm_loss_of_remux(const struct fm_plan *plan, const struct fm_plan_output *output,
                             const AVStream *source)
{
    if (stores_presentation(output->format)) {
        return NULL;
    }
    if (fm_probe_is_turned(source)) {
        return "the format cannot say how it is turned";
    }
    bool hides = fm_probe_hidden(plan->input->streams[source->index]) > HIDDEN_SECONDS;
    return hides && begins_hidden(plan, output) ? "the format cannot hide what the source hides"
                                                : NULL;
}
