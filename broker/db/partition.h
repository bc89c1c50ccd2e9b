/*
 * Job rows lie in partitions of a day: made a week ahead, and dropped once all that is in them is
 * older than job rows are kept. Threads: the connection's.
 */
#ifndef FM_BROKER_DB_PARTITION_H
#define FM_BROKER_DB_PARTITION_H

#include "broker/db/db.h"

/* Those that are missing, from yesterday to eight days ahead. */
bool fm_partition_make(struct fm_db *db, struct fm_error *err) FM_MUST_CHECK;
/* Drops those whose youngest job came `days` ago or earlier, with the batches of these jobs: unless
 * a job that old lives or a file of one is kept; then these and all younger ones stay. Writers are
 * not kept waiting (DETACH CONCURRENTLY), and what was left half done is finished. Nothing happens
 * while another broker is at it. */
bool fm_partition_drop(struct fm_db *db, unsigned days, struct fm_error *err) FM_MUST_CHECK;

#endif
