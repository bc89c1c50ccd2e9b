/*
 * The bounded queue between two stages: one writer, one reader, whole items in order.
 * A full pipe makes its writer wait, which is what keeps a fast stage from filling memory ahead of
 * a slow one. Either end can stop the other: the writer finishes (the reader still gets what is
 * there), the reader closes (the writer's next put says so; nobody waits for it again).
 * Owns: the items in it. Threads: one writer, one reader; close also from any other.
 */
#ifndef FM_WORKER_MEDIA_PIPE_H
#define FM_WORKER_MEDIA_PIPE_H

#include <stdbool.h>
#include <stddef.h>

struct fm_pipe;

/* At most so many items, and no further one while it holds `bytes` or more. `discard` ends items
 * nobody took. */
struct fm_pipe *fm_pipe_new(size_t count, size_t bytes, void (*discard)(void *item));
/* Takes the item in any case. False when the reader has closed: the item is discarded. */
bool fm_pipe_put(struct fm_pipe *pipe, void *item, size_t bytes);
/* False when closed: stop at once. A NULL item is the writer's end. */
bool fm_pipe_get(struct fm_pipe *pipe, void **item);
void fm_pipe_finish(struct fm_pipe *pipe);
/* Discards what is in it. Idempotent. */
void fm_pipe_close(struct fm_pipe *pipe);
bool fm_pipe_is_closed(struct fm_pipe *pipe);
void fm_pipe_destroy(struct fm_pipe **pipe);

#endif
