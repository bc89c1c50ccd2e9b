/* Two losses: the display matrix and the edit list. */
#include "worker/media/loss.h"

#include <string.h>

#include "worker/media/keyframe.h"
#include "worker/media/probe.h"

/* Up to this much hidden audio may become audible: it is the silence that encoders put before the
 * first sample (2112 samples, 0.05 s, in AAC by Apple). */
#define HIDDEN_SECONDS 0.1

/* Only MP4 and its relatives have a display matrix and edit lists (ISO/IEC 14496-12). */
static bool stores_presentation(const struct fm_format_row *format)
{
    const char *muxer = format->muxer;
    return !strcmp(muxer, "mp4") || !strcmp(muxer, "mov") || !strcmp(muxer, "ipod");
}

/* Everything hidden lies before the source's start, so a remux whose keyframe comes later contains
 * none of it. */
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
        return "the format cannot store its rotation";
    }
    bool hides = fm_probe_hidden(plan->input->streams[source->index]) > HIDDEN_SECONDS;
    return hides && begins_hidden(plan, output) ? "the format cannot hide what the source hides"
                                                : NULL;
}
