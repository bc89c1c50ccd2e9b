/*
 * Media children started ahead, sealed and waiting, so that no job waits for an exec.
 * Owns: the idle children. Threads: the main thread.
 */
#ifndef FM_WORKER_SPARE_H
#define FM_WORKER_SPARE_H

#include "worker/child.h"

struct fm_spares;

/* Keeps `count` of the program `path` ready; the first are started by the first tick. */
struct fm_spares *fm_spare_new(struct fm_loop *loop, const char *path, unsigned count);
/* Kills and reaps them. */
void fm_spare_destroy(struct fm_spares **spares);
/* One for this role and owner, which destroys it: READY if there is one, else one that will be.
 * NULL with err set if none can be started. */
struct fm_child *fm_spare_take(struct fm_spares *spares, enum fm_child_role role,
                               const struct fm_child_owner *owner,
                               struct fm_error *err) FM_MUST_CHECK;
/* Starts what is missing; answers when it wants to be called again. */
int64_t fm_spare_tick(struct fm_spares *spares, int64_t now_ms);

#endif
