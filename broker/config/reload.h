/*
 * Reads the settings again at SIGHUP. The rooms hold pointers to a struct of settings that never
 * changes, so a reload makes a new struct: with new values for the settings that reload.def names,
 * and the old values for all others. Threads: the main thread.
 */
#ifndef FM_BROKER_CONFIG_RELOAD_H
#define FM_BROKER_CONFIG_RELOAD_H

#include "broker/config/settings.h"

/* Reads the file, the environment and the command line again. Returns false and leaves `*fresh`
 * alone if anything is wrong in any of them. Settings that have changed but need a restart are
 * logged. The caller owns the new struct, and must keep it as long as any room may read it. */
bool fm_reload_settings(const struct fm_broker_settings *old, struct fm_settings_arguments *words,
                        struct fm_broker_settings **fresh, struct fm_error *err) FM_MUST_CHECK;
void fm_reload_destroy(struct fm_broker_settings **settings);

#endif
