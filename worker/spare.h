/*
 * Keeps media children ready, started ahead and sealed, so that no job waits while libav is loaded
 * and the seal is closed. A spare has seen no job's data; a media child is never used twice.
 * Owns: the idle children until they are taken. Threads: the main thread.
 */
#ifndef FM_WORKER_SPARE_H
#define FM_WORKER_SPARE_H

#include "worker/child.h"

struct fm_spares;

/* Keeps `count` children of the program `path` ready; the first tick starts them. */
struct fm_spares *fm_spare_new(struct fm_loop *loop, const char *path, unsigned count);
/* Null-safe. Kills and reaps the children not taken. */
void fm_spare_destroy(struct fm_spares **spares);
/* Gives a child to `owner` (copied), which destroys it: one in state IDLE if there is one,
 * otherwise one whose READY will reach the owner. NULL with err set if none can be started. */
struct fm_child *fm_spare_take(struct fm_spares *spares, enum fm_child_role role,
                               const struct fm_child_owner *owner,
                               struct fm_error *err) FM_MUST_CHECK;
/* Starts the children that are missing. Returns when to call it again. */
int64_t fm_spare_tick(struct fm_spares *spares, int64_t now_ms);

#endif
