/* Makes the table of settings.def's rows, for common/settings.c to load by. */
#include "broker/config/settings.h"

#include <stddef.h>

#define FM_SETTING(kind, name, standard, min, max, help)                                           \
    {FM_KIND_##kind, #name, offsetof(struct fm_broker_settings, name), standard, min, max, help},
const struct fm_setting fm_broker_settings_table[] = {
#include "broker/config/settings.def"
};
#undef FM_SETTING

const size_t fm_broker_settings_count =
    sizeof fm_broker_settings_table / sizeof fm_broker_settings_table[0];
