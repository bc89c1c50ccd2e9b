/*
 * Prepares the database for a stack: schema, first account and API key, and one node per worker.
 * It runs the broker's own commands for that, as the broker's user, and never opens the database
 * itself. Called by stack.c after PostgreSQL is ready and before the broker starts (account), then
 * before each worker starts.
 */
#ifndef FM_CLI_ENROL_H
#define FM_CLI_ENROL_H

#include "cli/state_dir.h"

struct fm_enrol {
    const struct fm_state_dir *state_dir;
    const char *const *environment; /* the broker's, NULL-terminated; borrowed */
    char *account;                  /* id of the operator's account */
    char *key, *password;           /* set on the first run only; else NULL */
};

/* Migrates the schema on every run. Where <state>/account is missing, also makes the operator's
 * account (unless the database has an account already) and an API key. */
bool fm_enrol_account(struct fm_enrol *enrol, struct fm_error *err) FM_MUST_CHECK;
/* Makes the node key of worker `number` (from 1), registers it with the broker and returns the
 * broker's public key in *broker_key, malloc'ed. For a revoked node it prints a line on stderr and
 * returns true with *broker_key NULL: that worker must not be started. */
bool fm_enrol_worker(struct fm_enrol *enrol, unsigned number, char **broker_key,
                     struct fm_error *err) FM_MUST_CHECK;
void fm_enrol_done(struct fm_enrol *enrol);

#endif
