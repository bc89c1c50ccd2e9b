/*
 * Writes the source's bytes to disk, as source-G.part in the attempt's work directory, where G is
 * the generation, counted from 1. Every generation is a file of its own. Once a reader may have
 * one, it is only appended to, and never truncated, replaced or used again. Before: fetch. After:
 * the worker hands a read-only descriptor to a media child. Owns: its two descriptors; the worker
 * deletes the files. Threads: one.
 */
#ifndef FM_WORKER_TRANSFER_SPOOL_H
#define FM_WORKER_TRANSFER_SPOOL_H

#include "common/error.h"
#include "common/file.h"

#define FM_SPOOL_GENERATIONS 1000 /* the highest generation (proto/messages.def) */

struct fm_spool {
    int directory_fd;
    int fd;              /* the file of the present generation; -1: none yet */
    uint64_t generation; /* 0: none yet */
    int64_t size_bytes;
    bool is_shared; /* a reader may have the file */
};

bool fm_spool_open(struct fm_spool *spool, const char *directory,
                   struct fm_error *err) FM_MUST_CHECK;
void fm_spool_done(struct fm_spool *spool);
/* Provides an empty file to write to: the present one if no reader has it, else the next
 * generation. SOURCE_CHANGED after the last generation, SYSTEM or RESOURCE_DISK if the disk
 * refuses. */
bool fm_spool_begin(struct fm_spool *spool, struct fm_error *err) FM_MUST_CHECK;
bool fm_spool_append(struct fm_spool *spool, const void *bytes, size_t length,
                     struct fm_error *err) FM_MUST_CHECK;
/* A read-only descriptor with an offset of its own, for a reader; the caller closes it. */
bool fm_spool_share(struct fm_spool *spool, int *fd, struct fm_error *err) FM_MUST_CHECK;

#endif
