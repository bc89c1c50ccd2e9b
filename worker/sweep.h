/*
 * Takes away what lost attempts left in the work directory. Outputs at start, for nobody can say
 * how far they got; attempt directories once they are old and no lease stands for them. Threads:
 * the main thread.
 */
#ifndef FM_WORKER_SWEEP_H
#define FM_WORKER_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

/* At start, before the first job: every output of every directory. Failures are logged. */
void fm_sweep_outputs(const char *work_dir);
/* Removes attempt directories last changed `age_seconds` ago or earlier, unless held, and job
 * directories left empty. `job` and `lease` are the directories' names. */
void fm_sweep_old(const char *work_dir, uint64_t age_seconds,
                  bool (*is_held)(void *context, const char *job, const char *lease),
                  void *context);

#endif
