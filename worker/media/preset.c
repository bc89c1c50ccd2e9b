/* See the head of preset.h. */
#include "worker/media/preset.h"

#include <string.h>

#include "common/memory.h"

/* libvpx's "good" takes 0 to 5, "realtime" 5 to 8: chosen so that a name means about the same share
 * of real time for both. */
static const struct fm_preset presets[] = {
    {"ultrafast", 0, 1, "realtime", 8}, {"superfast", 0, 1, "realtime", 7},
    {"veryfast", 10, 1, "realtime", 6}, {"faster", 20, 2, "realtime", 5},
    {"fast", 30, 2, "good", 5},         {"medium", 40, 3, "good", 4},
    {"slow", 50, 5, "good", 3},         {"slower", 60, 8, "good", 2},
    {"veryslow", 60, 16, "good", 1},    {"placebo", 60, 16, "good", 0},
};

const struct fm_preset *fm_preset_find(const char *name)
{
    for (size_t i = 0; i < FM_COUNT(presets); i++)
        if (!strcmp(presets[i].name, name ? name : "medium"))
            return &presets[i];
    return NULL;
}
