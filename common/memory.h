/*
 * Memory and its clean-up. Allocation failure aborts: jobs are leased, so nothing is lost. In
 * exchange no allocation is ever sized by a peer without a named limit first.
 */
#ifndef FM_COMMON_MEMORY_H
#define FM_COMMON_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed; never NULL. */
void *fm_alloc(size_t size) __attribute__((returns_nonnull));
void *fm_alloc_array(size_t count, size_t size) __attribute__((returns_nonnull));
/* Grows or shrinks; new bytes are not zeroed; aborts on overflow. */
void *fm_realloc_array(void *old, size_t count, size_t size);
/* NULL for NULL. */
char *fm_strdup(const char *text);
char *fm_strndup(const char *text, size_t length);

/*
 * `FM_AUTO(fm_text_done) struct fm_text body = {0};` runs the destructor when the scope ends. A
 * variable may be there for that alone, which clang would call unused.
 */
#define FM_AUTO(destructor) __attribute__((cleanup(destructor), unused))
/* For plain malloc'ed pointers: `FM_AUTO_FREE char *name`. Frees and sets the variable to NULL. */
void fm_memory_release(void *pointer_to_pointer);
#define FM_AUTO_FREE FM_AUTO(fm_memory_release)

/* Hands ownership on: gives the value and sets the variable to NULL. */
#define fm_steal(variable)                                                                         \
    __extension__({                                                                                \
        __auto_type fm_stolen_ = (variable);                                                       \
        (variable) = NULL;                                                                         \
        fm_stolen_;                                                                                \
    })

#define FM_COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* The struct that holds this member. */
#define fm_container_of(pointer, type, member)                                                     \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* Many small things that end together: `struct fm_arena a = {0}; … fm_arena_done(&a);` */
struct fm_arena_block;
struct fm_arena {
    struct fm_arena_block *blocks;
    size_t used_bytes; /* of all blocks together: what a caller may hold against a limit */
};
/* Zeroed, aligned for any type; lives until the arena is done. */
void *fm_arena_alloc(struct fm_arena *arena, size_t size) __attribute__((returns_nonnull));
char *fm_arena_strndup(struct fm_arena *arena, const char *text, size_t length);
void fm_arena_done(struct fm_arena *arena);

#endif
