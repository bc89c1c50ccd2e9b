/*
 * Reads the operator's allow-list of private networks: the setting and the file named beside it,
 * read again at each use, so that a change needs no restart. Only the broker reads it: at each
 * POST, and before each JOB message, which carries the entries to the worker. Threads: any.
 */
#ifndef FM_BROKER_CONFIG_ALLOW_H
#define FM_BROKER_CONFIG_ALLOW_H

#include "broker/config/settings.h"
#include "common/address.h"
#include "common/memory.h"

#define FM_ALLOW_LIMIT 64 /* entries: what JOB can carry */

/* Fills the policy's `allow` with the list and its `own` with the addresses this broker listens on;
 * the caller ends it with fm_address_policy_done. A missing file counts as empty. Fails with
 * SETTING if an entry is malformed or there are too many: no private network is allowed then. */
bool fm_allow_read(const struct fm_broker_settings *settings, struct fm_address_policy *policy,
                   struct fm_error *err) FM_MUST_CHECK;
/* The same list as texts in the arena, for JOB. `*count` is 0 if this fails. */
bool fm_allow_words(const struct fm_broker_settings *settings, struct fm_arena *arena,
                    const char *words[FM_ALLOW_LIMIT], size_t *count,
                    struct fm_error *err) FM_MUST_CHECK;

#endif
