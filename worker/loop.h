/*
 * Waits for descriptors and calls the function that serves each. It takes one event at a time from
 * the kernel, so the function called may unwatch and close any descriptor, also its own, and no
 * stale event is left behind. There are no timers: the caller passes how long to wait (serve.c).
 * Owns: the epoll descriptor; the watched ones stay their owners'. Threads: one.
 */
#ifndef FM_WORKER_LOOP_H
#define FM_WORKER_LOOP_H

#include "common/error.h"

struct fm_loop;

/* Lives in the struct that owns the descriptor, and may not move while it is watched. */
struct fm_loop_source {
    void (*on_ready)(void *context);
    void *context;
};

/* NULL with err set if the kernel refuses. */
struct fm_loop *fm_loop_new(struct fm_error *err) FM_MUST_CHECK;
/* Null-safe. */
void fm_loop_destroy(struct fm_loop **loop);
/* Watches for readability and hang-up, level-triggered: `on_ready` is called again as long as
 * something is unread. */
bool fm_loop_watch(struct fm_loop *loop, int fd, struct fm_loop_source *source,
                   struct fm_error *err) FM_MUST_CHECK;
/* Call it before the descriptor is closed. An unwatched descriptor is fine. */
void fm_loop_unwatch(struct fm_loop *loop, int fd);
/* Waits at most `wait_ms` (-1: without limit) and serves one descriptor, if one is ready. */
void fm_loop_next(struct fm_loop *loop, int wait_ms);

#endif
