/* Implements the loop with epoll, one event a call. */
#include "worker/loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "common/file.h"
#include "common/memory.h"

struct fm_loop {
    int fd;
};

struct fm_loop *fm_loop_new(struct fm_error *err)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) {
        fm_fail_errno(err, "epoll");
        return NULL;
    }
    struct fm_loop *loop = fm_alloc(sizeof(*loop));
    loop->fd = fd;
    return loop;
}

void fm_loop_destroy(struct fm_loop **loop)
{
    if (*loop != NULL) {
        fm_file_close(&(*loop)->fd);
        fm_memory_release(loop);
        *loop = NULL;
    }
}

bool fm_loop_watch(struct fm_loop *loop, int fd, struct fm_loop_source *source,
                   struct fm_error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    return epoll_ctl(loop->fd, EPOLL_CTL_ADD, fd, &event) == 0 || fm_fail_errno(err, "watch");
}

void fm_loop_unwatch(struct fm_loop *loop, int fd)
{
    /* Fails if the descriptor is not watched, which is what the caller wants. */
    epoll_ctl(loop->fd, EPOLL_CTL_DEL, fd, NULL);
}

void fm_loop_next(struct fm_loop *loop, int wait_ms)
{
    struct epoll_event event;
    /* Fair although it takes one event: the kernel puts a descriptor it has reported, if that is
     * still ready, at the end of its list. */
    if (epoll_wait(loop->fd, &event, 1, wait_ms) == 1) {
        struct fm_loop_source *source = event.data.ptr;
        source->on_ready(source->context);
    }
}
