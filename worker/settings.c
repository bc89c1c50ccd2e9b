/* Makes the table of the worker's settings from settings.def. */
#include "worker/settings.h"

#include <stddef.h>

#include "common/memory.h"

const struct fm_setting fm_worker_settings_table[] = {
#define FM_SETTING(kind, name, standard, min, max, help)                                           \
    {FM_KIND_##kind, #name, offsetof(struct fm_worker_settings, name), standard, min, max, help},
#include "worker/settings.def"
#undef FM_SETTING
};
const size_t fm_worker_settings_count = FM_COUNT(fm_worker_settings_table);
