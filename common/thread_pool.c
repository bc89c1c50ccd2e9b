/* One list under one lock, and a condition that wakes one thread per task. */
#include "common/thread_pool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/memory.h"

#define NAME_SIZE 16 /* the longest thread name the kernel takes, with the NUL */

struct thread {
    pthread_t id;
    struct fm_thread_pool *pool;
    unsigned number;
    char name[NAME_SIZE];
};

struct fm_thread_pool {
    size_t waiting_max;
    /* Guarded by the lock. `waiting` is the length of the list; running tasks are not in it. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct fm_thread_pool_task *first, *last;
    size_t waiting;
    bool is_closing;

    unsigned count;
    struct thread threads[];
};

/* Waits for the next task; NULL once the pool is closing and the list is empty. */
static struct fm_thread_pool_task *wait_for_task(struct fm_thread_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (pool->first == NULL && !pool->is_closing) {
        pthread_cond_wait(&pool->changed, &pool->lock);
    }
    struct fm_thread_pool_task *task = pool->first;
    if (task != NULL) {
        pool->first = task->next;
        pool->waiting--;
    }
    pthread_mutex_unlock(&pool->lock);
    return task;
}

static void *run_tasks(void *context)
{
    struct thread *thread = context;
    struct fm_thread_pool_task *task = NULL;
    (void)pthread_setname_np(pthread_self(), thread->name);
    while ((task = wait_for_task(thread->pool)) != NULL) {
        task->run(task, thread->number);
    }
    return NULL;
}

static void start_thread(struct fm_thread_pool *pool, unsigned number, const char *name)
{
    struct thread *thread = &pool->threads[number];
    thread->pool = pool;
    thread->number = number;
    (void)snprintf(thread->name, sizeof(thread->name), "%s-%u", name, number);
    if (pthread_create(&thread->id, NULL, run_tasks, thread) != 0) {
        abort();
    }
}

struct fm_thread_pool *fm_thread_pool_new(const char *name, unsigned threads, size_t waiting_max)
{
    struct fm_thread_pool *pool = fm_alloc(sizeof(*pool) + threads * sizeof(pool->threads[0]));
    pool->waiting_max = waiting_max;
    pool->count = threads;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    for (unsigned i = 0; i < threads; i++) {
        start_thread(pool, i, name);
    }
    return pool;
}

void fm_thread_pool_destroy(struct fm_thread_pool **pool)
{
    struct fm_thread_pool *it = fm_steal(*pool);
    if (it == NULL) {
        return;
    }
    pthread_mutex_lock(&it->lock);
    it->is_closing = true;
    pthread_cond_broadcast(&it->changed);
    pthread_mutex_unlock(&it->lock);
    for (unsigned i = 0; i < it->count; i++) {
        pthread_join(it->threads[i].id, NULL);
    }
    pthread_cond_destroy(&it->changed);
    pthread_mutex_destroy(&it->lock);
    free(it);
}

bool fm_thread_pool_post(struct fm_thread_pool *pool, struct fm_thread_pool_task *task)
{
    pthread_mutex_lock(&pool->lock);
    /* Not checked against is_closing: a running task may still post, and its own thread drains the
     * list. */
    bool has_room = pool->waiting < pool->waiting_max;
    if (has_room) {
        task->next = NULL;
        *(pool->first != NULL ? &pool->last->next : &pool->first) = task;
        pool->last = task;
        pool->waiting++;
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->lock);
    return has_room;
}
