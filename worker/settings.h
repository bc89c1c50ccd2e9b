/*
 * Holds the worker's settings (settings.def) as one struct: one member a row, of its name. main.c
 * reads them once at start and passes on what each file needs; no other file sees this struct.
 */
#ifndef FM_WORKER_SETTINGS_H
#define FM_WORKER_SETTINGS_H

#include "common/settings.h"

struct fm_worker_settings {
#define FM_SETTING(kind, name, standard, min, max, help) FM_SETTING_##kind(name)
#include "worker/settings.def"
#undef FM_SETTING
};

/* The same rows for fm_settings_load, fm_settings_help and fm_settings_done. */
extern const struct fm_setting fm_worker_settings_table[];
extern const size_t fm_worker_settings_count;

#endif
