/*
 * Makes and drops the daily partitions of the job rows: they are made a week ahead, and dropped
 * once all their rows are older than the retention of jobs. Blocking, up to 30 s for each
 * statement. Threads: the thread of the connection.
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
