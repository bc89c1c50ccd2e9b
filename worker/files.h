/*
 * The files of one attempt: its directory, the source's descriptor, the outputs. The worker opens
 * and hands over; it never reads or writes what stands in them.
 *   WORK_DIR/jobs/JOB/LEASE/   NAME.out: an output · the rest is transfer's (source-1.part, …)
 * Owns: the descriptors and the directory. Threads: one.
 */
#ifndef FM_WORKER_FILES_H
#define FM_WORKER_FILES_H

#include "common/id.h"
#include "proto/spec.h"

#define FM_FILES_OUTPUTS 16 /* spec.def */
#define FM_FILES_SUFFIX ".out"

struct fm_files {
    char *jobs;      /* WORK_DIR/jobs */
    char *job;       /* JOB */
    char *directory; /* the whole path to LEASE */
    char lease[FM_ID_LEASE_SIZE];
    int directory_fd;
    int source_fd; /* the present generation, read-only; -1 */
    int output_fds[FM_FILES_OUTPUTS];
    size_t output_count;
};

/* Makes the directory anew: what a lost worker left there is removed. */
bool fm_files_open(struct fm_files *files, const char *work_dir, const struct fm_id *job,
                   uint64_t lease, struct fm_error *err) FM_MUST_CHECK;
/* Closes everything, and removes the directory. Fine after a failed open, and twice. */
void fm_files_remove(struct fm_files *files);
/* Takes the descriptor (-1 afterwards). PROTOCOL unless a regular file, open for reading alone. */
bool fm_files_take_source(struct fm_files *files, int *fd, struct fm_error *err) FM_MUST_CHECK;
/* One empty writable file an output of the spec; earlier ones are removed. */
bool fm_files_make_outputs(struct fm_files *files, const struct fm_spec *spec,
                           struct fm_error *err) FM_MUST_CHECK;
/* From here on nobody can write to them any more: read-only descriptors take the places. */
bool fm_files_seal_outputs(struct fm_files *files, struct fm_error *err) FM_MUST_CHECK;
/* Lets them go: they are of no use any more. The names are removed when new ones are made. */
void fm_files_drop_outputs(struct fm_files *files);

#endif
