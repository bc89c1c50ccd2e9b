/*
 * SIGHUP: the settings read anew. Rooms hold pointers to a struct that never changes, so a reload
 * makes another one: what reload.def names as it now is, the rest as it was.
 */
#ifndef FM_BROKER_CONFIG_RELOAD_H
#define FM_BROKER_CONFIG_RELOAD_H

#include "broker/config/settings.h"

/* Reads file, environment and words again. False, and `*fresh` untouched, when something is wrong
 * with any of them. What changed and is not taken before a restart is logged. The struct is the
 * caller's. */
bool fm_reload_settings(const struct fm_broker_settings *old, struct fm_settings_words *words,
                        struct fm_broker_settings **fresh, struct fm_error *err) FM_MUST_CHECK;
void fm_reload_destroy(struct fm_broker_settings **settings);

#endif
