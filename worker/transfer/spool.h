/*
 * The source's bytes on disk: source-G.part in the work directory, G counting from 1. A generation
 * is a file of its own: once a reader may have it, it is never truncated, replaced or used again.
 * Threads: one.
 */
#ifndef FM_WORKER_TRANSFER_SPOOL_H
#define FM_WORKER_TRANSFER_SPOOL_H

#include "common/error.h"
#include "common/file.h"

#define FM_SPOOL_GENERATIONS 1000 /* messages.def */

struct fm_spool {
    int directory_fd;
    int fd; /* of the present generation; -1: none yet */
    uint64_t generation;
    int64_t size_bytes;
    bool is_shared; /* a reader may have it */
};

bool fm_spool_open(struct fm_spool *spool, const char *directory,
                   struct fm_error *err) FM_MUST_CHECK;
void fm_spool_done(struct fm_spool *spool);
/* An empty file to write to: the present one if nobody has seen it, else the next generation. */
bool fm_spool_begin(struct fm_spool *spool, struct fm_error *err) FM_MUST_CHECK;
bool fm_spool_append(struct fm_spool *spool, const void *bytes, size_t length,
                     struct fm_error *err) FM_MUST_CHECK;
/* A read-only descriptor for a reader, the caller's to close. */
bool fm_spool_share(struct fm_spool *spool, int *fd, struct fm_error *err) FM_MUST_CHECK;

#endif
