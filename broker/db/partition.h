/*
 * Makes and drops the daily partitions of `job` and `done`: makes those from yesterday to eight
 * days ahead, and drops those whose jobs are all older than the retention of jobs, with the batches
 * of these jobs. Before: operator/retention.c, once an hour. After: db.
 * Touches the database alone. An advisory lock, held until the connection closes, keeps a second
 * broker from dropping. Blocks for up to 30 s a statement. Threads: the connection's owner.
 */
#ifndef FM_BROKER_DB_PARTITION_H
#define FM_BROKER_DB_PARTITION_H

#include "broker/db/db.h"

/* Makes the missing partitions, from yesterday to eight days ahead. */
bool fm_partition_make(struct fm_db *db, struct fm_error *err) FM_MUST_CHECK;
/* Drops the partitions whose youngest job is at least `days` old, and the batches of these jobs,
 * oldest first. Stops at the first partition with a job that still lives or a file that is still
 * kept. Writers do not wait (DETACH CONCURRENTLY); a drop that was interrupted earlier is finished.
 * Does nothing, successfully, while another broker holds the lock. */
bool fm_partition_drop(struct fm_db *db, unsigned days, struct fm_error *err) FM_MUST_CHECK;

#endif
