/*
 * The operator's commands on the host: migrate, account, key, node, pause. Each runs in a process
 * of its own beside any serving broker, works on the database, and prints JSON objects on stdout,
 * one per line. A key's text and a generated password are shown this one time. Passwords and API
 * keys are never taken from argv, where other users of the host could read them.
 * Before: settings and secrets loaded. After: the process ends. Threads: the main thread.
 */
#ifndef FM_BROKER_OPERATOR_ADMIN_H
#define FM_BROKER_OPERATOR_ADMIN_H

#include "broker/config/secrets.h"
#include "broker/config/settings.h"

/* INVALID_REQUEST if the words are not a command. Must be checked before the secrets are loaded,
 * so that a mistyped command does not create secret files. */
bool fm_admin_check(char **words, size_t count, struct fm_error *err) FM_MUST_CHECK;
/* Runs a command that passed the check. */
bool fm_admin_run(const struct fm_broker_settings *settings, const struct fm_secrets *secrets,
                  char **words, size_t count, struct fm_error *err) FM_MUST_CHECK;
/* The commands' part of --help. */
extern const char fm_admin_usage[];

#endif
