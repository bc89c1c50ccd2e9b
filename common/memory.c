/* Allocation that aborts instead of failing, and arenas. */
#include "common/memory.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The bounds of a block's size. Each block is as large as all before it together, so that ten
 * thousand small arenas stay small and a large one needs few blocks; a larger object gets a block
 * of its own size. */
#define ARENA_BLOCK_LEAST ((size_t)1024)
#define ARENA_BLOCK_MOST ((size_t)16 * 1024)

struct fm_arena_block {
    struct fm_arena_block *next;
    size_t used;
    size_t capacity;
    alignas(max_align_t) unsigned char bytes[];
};

static void *or_abort(void *pointer)
{
    if (pointer == NULL) {
        abort();
    }
    return pointer;
}

void *fm_alloc(size_t size)
{
    return or_abort(calloc(1, size == 0 ? 1 : size));
}

void *fm_alloc_array(size_t count, size_t size)
{
    /* calloc checks that the product does not overflow. */
    bool is_empty = count == 0 || size == 0;
    return or_abort(is_empty ? calloc(1, 1) : calloc(count, size));
}

void *fm_realloc_array(void *old, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        abort();
    }
    return or_abort(realloc(old, bytes == 0 ? 1 : bytes));
}

char *fm_strdup(const char *text)
{
    return text == NULL ? NULL : or_abort(strdup(text));
}

char *fm_strndup(const char *text, size_t length)
{
    return text == NULL ? NULL : or_abort(strndup(text, length));
}

void fm_memory_release(void *pointer_to_pointer)
{
    /* memcpy, because the variable's type is not void *, and reading it as one breaks aliasing. */
    void *pointer = NULL;
    memcpy(&pointer, pointer_to_pointer, sizeof(pointer));
    free(pointer);
    pointer = NULL;
    memcpy(pointer_to_pointer, &pointer, sizeof(pointer)); /* so that a second call frees nothing */
}

/* Aligns for any type; a size near SIZE_MAX is a bug and must not wrap to a small one. */
static size_t round_up(size_t size)
{
    size_t mask = alignof(max_align_t) - 1;
    if (size > SIZE_MAX / 2) {
        abort();
    }
    return (size + mask) & ~mask;
}

static struct fm_arena_block *add_block(struct fm_arena *arena, size_t least)
{
    size_t capacity = arena->used_bytes < ARENA_BLOCK_LEAST ? ARENA_BLOCK_LEAST : arena->used_bytes;
    capacity = capacity < ARENA_BLOCK_MOST ? capacity : ARENA_BLOCK_MOST;
    capacity = least > capacity ? least : capacity;
    struct fm_arena_block *block = fm_alloc(sizeof(*block) + capacity);
    block->capacity = capacity;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void *fm_arena_alloc(struct fm_arena *arena, size_t size)
{
    size_t bytes = round_up(size == 0 ? 1 : size);
    struct fm_arena_block *block = arena->blocks;
    if (block == NULL || block->capacity - block->used < bytes) {
        block = add_block(arena, bytes);
    }
    void *result = block->bytes + block->used;
    block->used += bytes;
    arena->used_bytes += bytes;
    return result;
}

char *fm_arena_strndup(struct fm_arena *arena, const char *text, size_t length)
{
    size_t bytes = strnlen(text, length);
    char *copy = fm_arena_alloc(arena, bytes + 1);
    memcpy(copy, text, bytes);
    return copy;
}

void fm_arena_done(struct fm_arena *arena)
{
    while (arena->blocks != NULL) {
        struct fm_arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->used_bytes = 0;
}
