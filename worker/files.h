/*
 * Holds the files of one attempt: its directory, the source's descriptor, the outputs. The worker
 * opens files and hands the descriptors to children; it never reads or writes their content.
 *   WORK_DIR/jobs/JOB/LEASE/   NAME.out: an output · the rest is transfer's (source-1.part, …)
 * A lease is never used twice, so no two attempts share a directory. Only transfer knows the path;
 * media gets descriptors alone.
 * Owns: the descriptors and the directory. Threads: one.
 */
#ifndef FM_WORKER_FILES_H
#define FM_WORKER_FILES_H

#include "common/id.h"
#include "proto/spec.h"

#define FM_FILES_OUTPUTS 16 /* the most outputs of a spec (proto/spec.def) */
#define FM_FILES_SUFFIX ".out"

struct fm_files {
    char *jobs;      /* WORK_DIR/jobs */
    char *job;       /* JOB */
    char *directory; /* the whole path to LEASE; NULL: never opened */
    char lease[FM_ID_LEASE_SIZE];
    int directory_fd;
    int source_fd;                    /* the latest generation, read-only; -1: none yet */
    int output_fds[FM_FILES_OUTPUTS]; /* in the spec's order */
    size_t output_count;
};

/* Makes and opens the directory, 0700. Fills `files` even when it fails. */
bool fm_files_open(struct fm_files *files, const char *work_dir, const struct fm_id *job,
                   uint64_t lease, struct fm_error *err) FM_MUST_CHECK;
/* Closes every descriptor and removes the directory, also JOB/ if it is empty then. May follow a
 * failed open, and may be called twice. A failure is logged: the sweep removes the rest later. */
void fm_files_remove(struct fm_files *files);
/* Takes the descriptor over (*fd is -1 then) and closes the earlier generation's. PROTOCOL, and *fd
 * stays the caller's, unless it is a regular file that is open for reading only: media gets this
 * very descriptor, and could write through any other. */
bool fm_files_take_source(struct fm_files *files, int *fd, struct fm_error *err) FM_MUST_CHECK;
/* Makes one empty writable file for each output of the spec; removes an earlier generation's. */
bool fm_files_make_outputs(struct fm_files *files, const struct fm_spec *spec,
                           struct fm_error *err) FM_MUST_CHECK;
/* Replaces the writable descriptors by read-only ones. Once media:work is reaped as well, nobody
 * can change what verify reads and transfer delivers. */
bool fm_files_seal_outputs(struct fm_files *files, struct fm_error *err) FM_MUST_CHECK;
/* Closes the outputs, whose content is void. Their names are removed when new ones are made. */
void fm_files_close_outputs(struct fm_files *files);

#endif
