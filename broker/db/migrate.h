/*
 * Brings the schema up to this program's: numbered files, embedded, applied one transaction each
 * under a lock; a newer schema is refused. Also holds the database against the
 * secrets: a second set is refused.
 */
#ifndef FM_BROKER_DB_MIGRATE_H
#define FM_BROKER_DB_MIGRATE_H

#include "broker/db/db.h"
#include "common/hash.h"

/* Applies what is missing; how many in *applied. SETTING when the database is newer than this
 * program. */
bool fm_migrate_run(const char *database_url, unsigned *applied,
                    struct fm_error *err) FM_MUST_CHECK;
/* Holds the database against the broker's secrets, by their digest (fm_secrets_check): the first
 * broker's is kept, and SETTING is the answer to any other. */
bool fm_migrate_check_secrets(const char *database_url, const uint8_t digest[FM_HASH_SIZE],
                              struct fm_error *err) FM_MUST_CHECK;

#endif
