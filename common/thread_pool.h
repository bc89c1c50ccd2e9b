/*
 * A few threads of one name that run tasks, first in, first out, for what must not keep a thread
 * that serves many waiting: a disk that syncs, a database that commits.
 * Owns: the threads. A task belongs to the pool from fm_thread_pool_post until its `run` is called,
 * and then to whoever made it: `run` may free it or post it again. Posting allocates nothing.
 * Threads: post from any; each `run` is called on one of the pool's threads, and several at once.
 */
#ifndef FM_COMMON_THREAD_POOL_H
#define FM_COMMON_THREAD_POOL_H

#include "common/error.h"

/* A member of the struct that holds what `run` works on, which fm_container_of finds. */
struct fm_thread_pool_task {
    /* `thread` is the number of the thread, from 0: an index of what each thread has of its own. */
    void (*run)(struct fm_thread_pool_task *task, unsigned thread);
    struct fm_thread_pool_task *next; /* the pool's */
};

struct fm_thread_pool;
/* Starts the threads, called NAME-0, NAME-1, … (cut to 15 bytes). At most `waiting_max` tasks wait
 * for a thread. */
struct fm_thread_pool *fm_thread_pool_new(const char *name, unsigned threads, size_t waiting_max);
/* Runs everything posted, then joins; from here on tasks alone may post. No task may call this.
 * Null-safe. */
void fm_thread_pool_destroy(struct fm_thread_pool **pool);
/* Never waits. False if too many tasks wait: the task is still the caller's. */
bool fm_thread_pool_post(struct fm_thread_pool *pool,
                         struct fm_thread_pool_task *task) FM_MUST_CHECK;

#endif
