/* The worker's settings (settings.def) as one struct, read once at start. */
#ifndef FM_WORKER_SETTINGS_H
#define FM_WORKER_SETTINGS_H

#include "common/settings.h"

struct fm_worker_settings {
#define FM_SETTING(kind, name, standard, min, max, help) FM_SETTING_##kind(name)
#include "worker/settings.def"
#undef FM_SETTING
};

/* The table for fm_settings_load. */
extern const struct fm_setting fm_worker_settings_table[];
extern const size_t fm_worker_settings_count;

#endif
