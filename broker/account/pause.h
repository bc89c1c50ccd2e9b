/* The operator's commands `pause add|list|remove`: while a site, a pool or an account is paused,
 * its jobs are accepted but not started. Only the database is changed; brokers read it. */
#ifndef FM_BROKER_ACCOUNT_PAUSE_H
#define FM_BROKER_ACCOUNT_PAUSE_H

#include "broker/config/settings.h"
#include "common/error.h"

/* Runs the command whose words after `pause` are given, and prints one JSON object per line. Every
 * broker of the database follows within a second; jobs already running continue. INVALID_REQUEST
 * (no such command or subject), NOT_FOUND (no such account or pause). */
bool fm_pause_run(const struct fm_broker_settings *settings, char **words, size_t count,
                  struct fm_error *err) FM_MUST_CHECK;

#endif
