/*
 * The names for an encoder's speed: x264's own, and what stands for them elsewhere.
 * Before: plan. After: an encoder's options, and what it holds in memory.
 */
#ifndef FM_WORKER_MEDIA_PRESET_H
#define FM_WORKER_MEDIA_PRESET_H

struct fm_preset {
    const char *name;
    int lookahead, references; /* frames x264 holds (its table of presets) */
    const char *deadline;      /* libvpx's */
    int cpu_used;
};

/* The one of that name, "medium" for NULL; NULL where there is none. */
const struct fm_preset *fm_preset_find(const char *name);

#endif
