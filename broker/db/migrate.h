/*
 * Brings the schema up to this program's: numbered files, embedded, applied one transaction each
 * under a lock; a newer schema is refused. Also holds the database against the secrets: another set
 * is refused.
 */
#ifndef FM_BROKER_DB_MIGRATE_H
#define FM_BROKER_DB_MIGRATE_H

#include "broker/config/secrets.h"
#include "broker/db/db.h"

/* Applies what is missing; how many in *applied. SETTING when the database is newer than this
 * program. */
bool fm_migrate_run(const char *database_url, unsigned *applied,
                    struct fm_error *err) FM_MUST_CHECK;
/* SETTING when another broker's secrets were here first. */
bool fm_migrate_check_secrets(const char *database_url, const struct fm_secrets *secrets,
                              struct fm_error *err) FM_MUST_CHECK;

#endif
