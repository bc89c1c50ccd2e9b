/*
 * What up does once through the broker's own commands: schema, first account and key, workers' node
 * keys.
 */
#ifndef FM_CLI_ENROL_H
#define FM_CLI_ENROL_H

#include "cli/state_dir.h"

struct fm_enrol {
    const struct fm_state_dir *place;
    const char *const *environment; /* the broker's */
    char *account;                  /* id of the operator's account */
    char *key, *password;           /* of the first run; NULL after */
};

/* migrate, then the operator's account and key where <state>/account is missing. */
bool fm_enrol_account(struct fm_enrol *enrol, struct fm_error *err) FM_MUST_CHECK;
/* Makes worker `number`'s node key, tells the broker of it; the broker's public key, malloc'ed, in
 * *broker_key. A revoked one is said on stderr, and *broker_key is NULL. */
bool fm_enrol_worker(struct fm_enrol *enrol, unsigned number, char **broker_key,
                     struct fm_error *err) FM_MUST_CHECK;
void fm_enrol_done(struct fm_enrol *enrol);

#endif
