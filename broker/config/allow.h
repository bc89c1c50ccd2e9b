/*
 * The operator's allow-list of private networks: the setting and the file beside it, read anew each
 * time. The broker alone reads it: at each POST, and before each JOB, which carries the words.
 */
#ifndef FM_BROKER_CONFIG_ALLOW_H
#define FM_BROKER_CONFIG_ALLOW_H

#include "broker/config/settings.h"
#include "common/address.h"
#include "common/memory.h"

#define FM_ALLOW_LIMIT 64 /* entries: what JOB can carry */

/* The policy's `allow`, and as its `own` what this broker listens on (fm_address_policy_done). A
 * missing file is an empty one. SETTING when an entry cannot be read or there are too many: nothing
 * private is allowed then. */
bool fm_allow_read(const struct fm_broker_settings *settings, struct fm_address_policy *policy,
                   struct fm_error *err) FM_MUST_CHECK;
/* The same list as words, for JOB, in the arena; none when it fails. */
bool fm_allow_words(const struct fm_broker_settings *settings, struct fm_arena *arena,
                    const char *words[FM_ALLOW_LIMIT], size_t *count,
                    struct fm_error *err) FM_MUST_CHECK;

#endif
