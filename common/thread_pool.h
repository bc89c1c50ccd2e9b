/*
 * A few threads that run tasks in the order of their posting, for work that waits (a disk that
 * syncs, a database that commits) and must not hold up a thread that serves many requests.
 * Owns: the threads. A task belongs to the pool from fm_thread_pool_post until its `run` is called,
 * and then to its maker again: `run` may free it or post it again. Posting allocates nothing.
 * Threads: post from any; each `run` is called on one of the pool's threads, and several may run at
 * once.
 */
#ifndef FM_COMMON_THREAD_POOL_H
#define FM_COMMON_THREAD_POOL_H

#include "common/error.h"

/* Embed it in the struct that `run` works on, which `run` finds by fm_container_of. */
struct fm_thread_pool_task {
    /* `thread` is the thread's number, from 0: an index into what the caller keeps per thread. */
    void (*run)(struct fm_thread_pool_task *task, unsigned thread);
    struct fm_thread_pool_task *next; /* used by the pool */
};

struct fm_thread_pool;
/* Starts the threads, named NAME-0, NAME-1, … (cut to 15 bytes). At most `waiting_max` tasks may
 * wait for a thread. A thread that cannot be started aborts. */
struct fm_thread_pool *fm_thread_pool_new(const char *name, unsigned threads, size_t waiting_max);
/* Runs every task that was posted, joins the threads and frees the pool. Meanwhile only tasks may
 * post. Never call it from a task. Null-safe. */
void fm_thread_pool_destroy(struct fm_thread_pool **pool);
/* Adds a task without waiting. False if `waiting_max` tasks wait already: the task is still the
 * caller's. */
bool fm_thread_pool_post(struct fm_thread_pool *pool,
                         struct fm_thread_pool_task *task) FM_MUST_CHECK;

#endif
