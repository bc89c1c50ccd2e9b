/* The operator's words `pause add|list|remove`: what is held back of a site, a pool, an account. */
#ifndef FM_BROKER_ACCOUNT_PAUSE_H
#define FM_BROKER_ACCOUNT_PAUSE_H

#include "broker/config/settings.h"
#include "common/error.h"

/* The words after `pause`. Prints one JSON object a line, as all commands do. Every broker of the
 * database acts on it within a second; what runs goes on. INVALID_REQUEST, NOT_FOUND. */
bool fm_pause_run(const struct fm_broker_settings *settings, char **words, size_t count,
                  struct fm_error *err) FM_MUST_CHECK;

#endif
