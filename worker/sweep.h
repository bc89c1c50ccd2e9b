/*
 * Removes what lost attempts left in the work directory, after a crash or a power cut. Outputs go
 * when the worker starts, because nobody knows how complete they are; whole attempt directories go
 * once they are old and belong to no attempt of this worker. Follows no symbolic links.
 * Before: serve.c, at start and then at least once a minute. Threads: the main thread.
 */
#ifndef FM_WORKER_SWEEP_H
#define FM_WORKER_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

/* Removes every output of every attempt. Call it before the first job. Failures are logged. */
void fm_sweep_outputs(const char *work_dir);
/* Removes the attempt directories that were last changed at least `age_seconds` ago and for which
 * `is_held` returns false, and job directories that are empty. `job` and `lease` are the names of
 * the directories. Failures are logged. */
void fm_sweep_old(const char *work_dir, uint64_t age_seconds,
                  bool (*is_held)(void *context, const char *job, const char *lease),
                  void *context);

#endif
