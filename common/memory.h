/*
 * Memory and its clean-up. An allocation that fails aborts the process: jobs are leased, so nothing
 * is lost, and no caller needs an error path. In exchange no allocation is ever sized by a peer's
 * number before a named limit has checked it.
 * Threads: any; an arena belongs to one thread at a time.
 */
#ifndef FM_COMMON_MEMORY_H
#define FM_COMMON_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/* Zeroed; never NULL, also for size 0. The caller frees with free() or FM_AUTO_FREE. */
void *fm_alloc(size_t size) __attribute__((returns_nonnull));
void *fm_alloc_array(size_t count, size_t size) __attribute__((returns_nonnull));
/* Grows or shrinks; new bytes are not zeroed; aborts on overflow. */
void *fm_realloc_array(void *old, size_t count, size_t size);
/* NULL for NULL. fm_strndup copies at most `length` bytes and stops at a NUL. */
char *fm_strdup(const char *text);
char *fm_strndup(const char *text, size_t length);

/*
 * `FM_AUTO(fm_text_done) struct fm_text body = {0};` calls the destructor with the variable's
 * address when the scope ends, so initialise the variable where it is declared. `unused`, because
 * clang warns about a variable that is there only for its destructor.
 */
#define FM_AUTO(destructor) __attribute__((cleanup(destructor), unused))
/* FM_AUTO for plain malloc'ed pointers: `FM_AUTO_FREE char *name`. */
void fm_memory_release(void *pointer_to_pointer);
#define FM_AUTO_FREE FM_AUTO(fm_memory_release)

/* Hands ownership on: yields the value and sets the variable to NULL. */
#define fm_steal(variable)                                                                         \
    __extension__({                                                                                \
        __auto_type fm_stolen_ = (variable);                                                       \
        (variable) = NULL;                                                                         \
        fm_stolen_;                                                                                \
    })

#define FM_COUNT(array) (sizeof(array) / sizeof((array)[0]))
/* One row of a table, in braces, for a macro that makes rows. Releases of clang-format lay out a
 * macro that begins with a brace differently; this is the only one. */
/* clang-format off */
#define FM_ROW(...) {__VA_ARGS__}
/* clang-format on */
/* The struct of which `pointer` is that member. */
#define fm_container_of(pointer, type, member)                                                     \
    ((type *)(void *)(-(ptrdiff_t)offsetof(type, member) + (char *)(pointer)))

/* Many small allocations freed together: `struct fm_arena a = {0}; … fm_arena_done(&a);` */
struct fm_arena_block;
struct fm_arena {
    struct fm_arena_block *blocks;
    size_t used_bytes; /* handed out so far, over all blocks, for a caller to limit */
};
/* Zeroed, aligned for any type; lives until fm_arena_done. */
void *fm_arena_alloc(struct fm_arena *arena, size_t size) __attribute__((returns_nonnull));
/* Copies at most `length` bytes and stops at a NUL; `text` may not be NULL. */
char *fm_arena_strndup(struct fm_arena *arena, const char *text, size_t length);
/* Frees everything; the arena is empty and usable afterwards. */
void fm_arena_done(struct fm_arena *arena);

#endif
