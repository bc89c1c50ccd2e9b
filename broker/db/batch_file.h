/*
 * Keeps the jobs of one batch on disk between their validation and their COPY, so that a batch of
 * any size takes little memory. The file is unlinked: it is written once, then read job by job as
 * often as needed, and vanishes with its descriptor even if the broker is killed.
 * Before: the batch's request. After: batch_writer. Threads: one at a time.
 */
#ifndef FM_BROKER_DB_BATCH_FILE_H
#define FM_BROKER_DB_BATCH_FILE_H

#include "common/error.h"
#include "common/text.h"

#define FM_BATCH_POOL_SIZE 32

/* What the rows of `job` and `live` need of a spec, and the packed spec itself. */
struct fm_batch_job {
    int64_t run_at_us; /* 0: now */
    int32_t timeout_seconds, expires_seconds;
    int16_t type, site, lane, max_tries;
    char pool[FM_BATCH_POOL_SIZE];
    struct fm_slice spec; /* when read: borrowed until the next fm_batch_file_next */
};

struct fm_batch_file;
/* Creates the file in the directory. The error code follows from errno (fm_fail_errno). */
bool fm_batch_file_new(const char *directory, struct fm_batch_file **file,
                       struct fm_error *err) FM_MUST_CHECK;
void fm_batch_file_destroy(struct fm_batch_file **file);
bool fm_batch_file_add(struct fm_batch_file *file, const struct fm_batch_job *job,
                       struct fm_error *err) FM_MUST_CHECK;
size_t fm_batch_file_count(const struct fm_batch_file *file);
/* Goes back to the first job. */
bool fm_batch_file_rewind(struct fm_batch_file *file, struct fm_error *err) FM_MUST_CHECK;
bool fm_batch_file_next(struct fm_batch_file *file, struct fm_batch_job *job,
                        struct fm_error *err) FM_MUST_CHECK;

#endif
