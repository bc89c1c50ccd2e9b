/*
 * The bounded queue between two stages: one writer, one reader, whole items in order. A full pipe
 * makes its writer wait, which keeps a fast stage from filling memory ahead of a slow one. Either
 * end can stop the other: after the writer finishes, the reader still gets what is there and then
 * NULL; after the reader closes, the writer's next put returns false. Nobody waits on a closed
 * pipe, so closing every pipe ends every stage. Owns: the items in it. Threads: one writer and one
 * reader; any thread may close.
 */
#ifndef FM_WORKER_MEDIA_PIPE_H
#define FM_WORKER_MEDIA_PIPE_H

#include <stdbool.h>
#include <stddef.h>

struct fm_pipe;

/* Holds up to `count` items, and takes no further item while it holds `bytes` or more; a single
 * item may be larger. `discard` frees items that were never read. */
struct fm_pipe *fm_pipe_new(size_t count, size_t bytes, void (*discard)(void *item));
/* Waits for room. Takes the item in any case. False if the pipe is closed: the item was discarded.
 */
bool fm_pipe_put(struct fm_pipe *pipe, void *item, size_t bytes);
/* Waits for an item, which becomes the caller's. NULL with true: the writer has finished. False:
 * the pipe is closed, and the reader has to stop at once. */
bool fm_pipe_get(struct fm_pipe *pipe, void **item);
/* The writer's end: no item will follow. */
void fm_pipe_finish(struct fm_pipe *pipe);
/* Discards the items in the pipe and wakes both ends. Idempotent. */
void fm_pipe_close(struct fm_pipe *pipe);
bool fm_pipe_is_closed(struct fm_pipe *pipe);
/* No other thread may use the pipe any more. */
void fm_pipe_destroy(struct fm_pipe **pipe);

#endif
