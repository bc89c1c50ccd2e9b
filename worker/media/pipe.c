/*
 * A ring buffer under one lock. The two ends never wait at the same time (the writer waits while
 * the pipe is full, the reader while it is empty), so one condition variable serves both and a
 * signal always wakes the right thread.
 */
#include "worker/media/pipe.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/memory.h"

struct slot {
    void *item;
    size_t bytes;
};

struct fm_pipe {
    pthread_mutex_t lock;
    pthread_cond_t moved; /* an item came or went, or the pipe was finished or closed */
    struct slot *slots;   /* `count` of `capacity` are in use, from `first` on, round the end */
    size_t capacity, first, count;
    size_t max_bytes, bytes;
    void (*discard)(void *item);
    bool finished, closed; /* finished by the writer; closed by any thread, and for good */
};

struct fm_pipe *fm_pipe_new(size_t count, size_t bytes, void (*discard)(void *item))
{
    struct fm_pipe *pipe = fm_alloc(sizeof(*pipe));
    pthread_mutex_init(&pipe->lock, NULL);
    pthread_cond_init(&pipe->moved, NULL);
    pipe->slots = fm_alloc_array(count, sizeof(*pipe->slots));
    pipe->capacity = count;
    pipe->max_bytes = bytes;
    pipe->discard = discard;
    return pipe;
}

static bool is_full(const struct fm_pipe *pipe)
{
    return pipe->count == pipe->capacity || (pipe->count > 0 && pipe->bytes >= pipe->max_bytes);
}

/* The caller owns the item. */
static struct slot remove_first(struct fm_pipe *pipe)
{
    struct slot slot = pipe->slots[pipe->first];
    pipe->first = (pipe->first + 1) % pipe->capacity;
    pipe->count--;
    pipe->bytes -= slot.bytes;
    return slot;
}

bool fm_pipe_put(struct fm_pipe *pipe, void *item, size_t bytes)
{
    pthread_mutex_lock(&pipe->lock);
    while (!pipe->closed && is_full(pipe)) {
        pthread_cond_wait(&pipe->moved, &pipe->lock);
    }
    bool open = !pipe->closed;
    if (open) {
        pipe->slots[(pipe->first + pipe->count) % pipe->capacity] = (struct slot){item, bytes};
        pipe->count++;
        pipe->bytes += bytes;
        pthread_cond_signal(&pipe->moved);
    }
    pthread_mutex_unlock(&pipe->lock);
    /* Outside the lock: to free a frame may take long. */
    if (!open) {
        pipe->discard(item);
    }
    return open;
}

bool fm_pipe_get(struct fm_pipe *pipe, void **item)
{
    pthread_mutex_lock(&pipe->lock);
    while (!pipe->closed && !pipe->finished && pipe->count == 0) {
        pthread_cond_wait(&pipe->moved, &pipe->lock);
    }
    *item = pipe->count > 0 ? remove_first(pipe).item : NULL;
    bool open = !pipe->closed;
    pthread_cond_signal(&pipe->moved);
    pthread_mutex_unlock(&pipe->lock);
    return open;
}

void fm_pipe_finish(struct fm_pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->finished = true;
    pthread_cond_signal(&pipe->moved);
    pthread_mutex_unlock(&pipe->lock);
}

void fm_pipe_close(struct fm_pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->closed = true;
    while (pipe->count > 0) {
        pipe->discard(remove_first(pipe).item);
    }
    pthread_cond_broadcast(&pipe->moved);
    pthread_mutex_unlock(&pipe->lock);
}

bool fm_pipe_is_closed(struct fm_pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    bool closed = pipe->closed;
    pthread_mutex_unlock(&pipe->lock);
    return closed;
}

void fm_pipe_destroy(struct fm_pipe **pipe)
{
    if (!*pipe) {
        return;
    }
    fm_pipe_close(*pipe);
    pthread_cond_destroy(&(*pipe)->moved);
    pthread_mutex_destroy(&(*pipe)->lock);
    free((*pipe)->slots);
    free(*pipe);
    *pipe = NULL;
}
