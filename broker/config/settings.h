/* The broker's settings (settings.def) as one struct. It is filled at the start and never changes;
 * SIGHUP makes a second one (reload.h). The struct's texts are never NULL once loaded. */
#ifndef FM_BROKER_CONFIG_SETTINGS_H
#define FM_BROKER_CONFIG_SETTINGS_H

#include "common/settings.h"

struct fm_broker_settings {
#define FM_SETTING(kind, name, standard, min, max, help) FM_SETTING_##kind(name)
#include "broker/config/settings.def"
#undef FM_SETTING
};

/* The table for fm_settings_load. */
extern const struct fm_setting fm_broker_settings_table[];
extern const size_t fm_broker_settings_count;

#endif
