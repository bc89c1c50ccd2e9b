/*
 * The operator's words on the host: migrate, account, key, node, pause. Each prints one JSON object
 * (a list prints one a line) on stdout; a key's text and a generated password are shown this once.
 * Passwords and keys never come by argv.
 */
#ifndef FM_BROKER_OPERATOR_ADMIN_H
#define FM_BROKER_OPERATOR_ADMIN_H

#include "broker/config/secrets.h"
#include "broker/config/settings.h"

/* INVALID_REQUEST when the words are no command. Asked first: only a command may make secrets. */
bool fm_admin_check(char **words, size_t count, struct fm_error *err) FM_MUST_CHECK;
/* Runs words that passed the check. */
bool fm_admin_run(const struct fm_broker_settings *settings, const struct fm_secrets *secrets,
                  char **words, size_t count, struct fm_error *err) FM_MUST_CHECK;
/* What --help says of them. */
extern const char fm_admin_usage[];

#endif
