/*
 * The jobs of one batch between their validation and their COPY: an unlinked file, written once and
 * then read as often as need be, a job at a time. It is gone with its descriptor, whatever happens.
 */
#ifndef FM_BROKER_DB_BATCH_FILE_H
#define FM_BROKER_DB_BATCH_FILE_H

#include "common/error.h"
#include "common/text.h"

#define FM_BATCH_POOL_SIZE 32

/* What job and live need of a spec, and the spec itself, packed. */
struct fm_batch_job {
    int64_t run_at_us; /* 0: now */
    int32_t timeout_seconds, expires_seconds;
    int16_t type, site, lane, max_tries;
    char pool[FM_BATCH_POOL_SIZE];
    struct fm_slice spec; /* read: borrowed until the next */
};

struct fm_batch_file;
/* In that directory, or beside it where its file system knows no unlinked files. RESOURCE_DISK. */
bool fm_batch_file_new(const char *directory, struct fm_batch_file **file,
                       struct fm_error *err) FM_MUST_CHECK;
void fm_batch_file_destroy(struct fm_batch_file **file);
bool fm_batch_file_add(struct fm_batch_file *file, const struct fm_batch_job *job,
                       struct fm_error *err) FM_MUST_CHECK;
size_t fm_batch_file_count(const struct fm_batch_file *file);
/* To the first again; everything added is in the file. */
bool fm_batch_file_rewind(struct fm_batch_file *file, struct fm_error *err) FM_MUST_CHECK;
bool fm_batch_file_next(struct fm_batch_file *file, struct fm_batch_job *job,
                        struct fm_error *err) FM_MUST_CHECK;

#endif
