/*
 * What the worker waits for: descriptors, each with the function that serves it. One event is
 * served at a time, so a function may forget or close any descriptor, its own too. Threads: one.
 */
#ifndef FM_WORKER_LOOP_H
#define FM_WORKER_LOOP_H

#include "common/error.h"

struct fm_loop;

/* Stands in the struct that owns the descriptor, as long as it is watched. */
struct fm_loop_source {
    void (*on_ready)(void *context);
    void *context;
};

/* NULL with err set if the kernel gives none. */
struct fm_loop *fm_loop_new(struct fm_error *err) FM_MUST_CHECK;
void fm_loop_destroy(struct fm_loop **loop);
/* Level-triggered, for reading. */
bool fm_loop_watch(struct fm_loop *loop, int fd, struct fm_loop_source *source,
                   struct fm_error *err) FM_MUST_CHECK;
/* Before the descriptor is closed. */
void fm_loop_forget(struct fm_loop *loop, int fd);
/* Serves one descriptor, or waits at most `wait_ms` (-1: for good) and serves none. */
void fm_loop_next(struct fm_loop *loop, int wait_ms);

#endif
