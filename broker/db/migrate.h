/*
 * Brings the database's schema to this program's version: applies the numbered, embedded files that
 * are missing, each in one transaction, under a lock so that only one program migrates. A schema
 * newer than the program is refused, and so is a database that belongs to other secrets. Blocking;
 * opens a connection of its own. Threads: any.
 */
#ifndef FM_BROKER_DB_MIGRATE_H
#define FM_BROKER_DB_MIGRATE_H

#include "broker/db/db.h"
#include "common/hash.h"

/* Applies the missing migrations, then makes the missing partitions. *applied: the number of
 * migrations. SETTING when the database is newer than this program. */
bool fm_migrate_run(const char *database_url, unsigned *applied,
                    struct fm_error *err) FM_MUST_CHECK;
/* Compares the digest of the broker's secrets (fm_secrets_check) with the database's. The first
 * broker's digest is stored; any other fails with SETTING. */
bool fm_migrate_check_secrets(const char *database_url, const uint8_t digest[FM_HASH_SIZE],
                              struct fm_error *err) FM_MUST_CHECK;

#endif
