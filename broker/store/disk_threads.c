/* A few threads, one list, first in, first out: a disk that syncs slowly keeps nobody else waiting.
 */
#include "broker/store/disk_threads.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/memory.h"

#define THREADS 4

struct fm_disk_threads {
    pthread_t threads[THREADS];
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct fm_disk_task *first, *last;
    bool is_closing;
};

/* The next one, or NULL when there will be none. */
static struct fm_disk_task *take(struct fm_disk_threads *errands)
{
    pthread_mutex_lock(&errands->lock);
    while (errands->first == NULL && !errands->is_closing) {
        pthread_cond_wait(&errands->changed, &errands->lock);
    }
    struct fm_disk_task *errand = errands->first;
    if (errand != NULL) {
        errands->first = errand->next;
    }
    pthread_mutex_unlock(&errands->lock);
    return errand;
}

static void *work(void *context)
{
    struct fm_disk_task *errand = NULL;
    while ((errand = take(context)) != NULL) {
        errand->run(errand);
    }
    return NULL;
}

struct fm_disk_threads *fm_disk_threads_open(void)
{
    struct fm_disk_threads *errands = fm_alloc(sizeof(*errands));
    pthread_mutex_init(&errands->lock, NULL);
    pthread_cond_init(&errands->changed, NULL);
    for (size_t i = 0; i < THREADS; i++) {
        if (pthread_create(&errands->threads[i], NULL, work, errands) != 0) {
            abort();
        }
    }
    return errands;
}

void fm_disk_threads_add(struct fm_disk_threads *errands, struct fm_disk_task *errand)
{
    errand->next = NULL;
    pthread_mutex_lock(&errands->lock);
    *(errands->first != NULL ? &errands->last->next : &errands->first) = errand;
    errands->last = errand;
    pthread_cond_signal(&errands->changed);
    pthread_mutex_unlock(&errands->lock);
}

void fm_disk_threads_close(struct fm_disk_threads **errands)
{
    struct fm_disk_threads *it = fm_steal(*errands);
    if (it == NULL) {
        return;
    }
    pthread_mutex_lock(&it->lock);
    it->is_closing = true;
    pthread_cond_broadcast(&it->changed);
    pthread_mutex_unlock(&it->lock);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(it->threads[i], NULL);
    }
    pthread_cond_destroy(&it->changed);
    pthread_mutex_destroy(&it->lock);
    free(it);
}
