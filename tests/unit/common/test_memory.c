#include "tests/unit/common/unit.h"

#include <stdalign.h>

#include "common/memory.h"

static void allocated_memory_is_zeroed(void **state)
{
    (void)state;
    FM_AUTO_FREE char *bytes = fm_alloc(64);
    FM_AUTO_FREE char *none = fm_alloc(0);
    FM_AUTO_FREE int *array = fm_alloc_array(4, sizeof(int));
    for (int i = 0; i < 64; i++) {
        assert_int_equal(bytes[i], 0);
    }
    assert_non_null(none);
    assert_int_equal(array[3], 0);
}

static void a_stolen_pointer_is_left_null(void **state)
{
    (void)state;
    FM_AUTO_FREE char *first = fm_strdup("kept");
    FM_AUTO_FREE char *second = fm_steal(first);
    assert_null(first);
    assert_string_equal(second, "kept");
    assert_null(fm_strdup(NULL));
    FM_AUTO_FREE char *part = fm_strndup("abcdef", 3);
    assert_string_equal(part, "abc");
}

static void what_is_released_is_left_null_and_may_be_released_again(void **state)
{
    (void)state;
    char *text = fm_strdup("once");
    fm_memory_release(&text);
    assert_null(text);
    fm_memory_release(&text);
}

static void an_arena_gives_aligned_zeroed_memory_of_any_size(void **state)
{
    (void)state;
    struct fm_arena arena = {0};
    for (size_t size = 0; size < 200; size++) {
        unsigned char *bytes = fm_arena_alloc(&arena, size);
        assert_int_equal((uintptr_t)bytes % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(bytes[i], 0);
        }
        memset(bytes, 0xff, size);
    }
    char *large = fm_arena_alloc(&arena, 100000);
    memset(large, 1, 100000);
    assert_string_equal(fm_arena_strndup(&arena, "abcdef", 4), "abcd");
    assert_true(arena.used_bytes > 100000);
    fm_arena_done(&arena);
    assert_int_equal(arena.used_bytes, 0);
    assert_null(arena.blocks);
}

struct outer {
    int before;
    int inner;
};

static void a_members_struct_is_found(void **state)
{
    (void)state;
    struct outer outer = {1, 2};
    int *inner = &outer.inner;
    assert_ptr_equal(fm_container_of(inner, struct outer, inner), &outer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocated_memory_is_zeroed),
        cmocka_unit_test(a_stolen_pointer_is_left_null),
        cmocka_unit_test(what_is_released_is_left_null_and_may_be_released_again),
        cmocka_unit_test(an_arena_gives_aligned_zeroed_memory_of_any_size),
        cmocka_unit_test(a_members_struct_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
