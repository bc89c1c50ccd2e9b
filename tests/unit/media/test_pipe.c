/* The bounded queue between two stages. */
#include "worker/media/pipe.h"

#include "tests/unit/media/fixture.h"

#include <pthread.h>

#define ITEMS 2000

static size_t discarded;
static char item[] = "item";

static void discard(void *one)
{
    (void)one;
    __atomic_add_fetch(&discarded, 1, __ATOMIC_RELAXED);
}

static int start_counting(void **state)
{
    (void)state;
    discarded = 0;
    return 0;
}

struct writer {
    struct fm_pipe *pipe;
    size_t count, bytes;
    bool refused;
};

static void *write_items(void *context)
{
    struct writer *writer = context;
    for (size_t i = 0; i < writer->count && !writer->refused; i++) {
        writer->refused = !fm_pipe_put(writer->pipe, item, writer->bytes);
    }
    fm_pipe_finish(writer->pipe);
    return NULL;
}

static void every_item_arrives_through_a_narrow_pipe(void **state)
{
    (void)state;
    struct writer writer = {fm_pipe_new(2, 1000, discard), ITEMS, 1, false};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_items, &writer), 0);
    size_t got = 0;
    void *one = NULL;
    while (fm_pipe_get(writer.pipe, &one) && one) {
        got++;
    }
    pthread_join(thread, NULL);
    assert_int_equal(got, ITEMS);
    fm_pipe_destroy(&writer.pipe);
    assert_int_equal(discarded, 0);
}

static void a_closed_pipe_lets_its_waiting_writer_go(void **state)
{
    (void)state;
    /* Items that are larger than the whole pipe pass singly. */
    struct writer writer = {fm_pipe_new(8, 10, discard), ITEMS, 100, false};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, write_items, &writer), 0);
    void *one = NULL;
    assert_true(fm_pipe_get(writer.pipe, &one));
    fm_pipe_close(writer.pipe);
    pthread_join(thread, NULL);
    assert_true(writer.refused);
    assert_true(fm_pipe_is_closed(writer.pipe));
    assert_false(fm_pipe_get(writer.pipe, &one));
    fm_pipe_destroy(&writer.pipe);
}

static void what_nobody_took_is_discarded(void **state)
{
    (void)state;
    struct fm_pipe *pipe = fm_pipe_new(8, 1000, discard);
    assert_true(fm_pipe_put(pipe, item, 1));
    assert_true(fm_pipe_put(pipe, item, 1));
    fm_pipe_close(pipe);
    assert_int_equal(discarded, 2);
    assert_false(fm_pipe_put(pipe, item, 1));
    assert_int_equal(discarded, 3);
    fm_pipe_destroy(&pipe);
    fm_pipe_destroy(&pipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_item_arrives_through_a_narrow_pipe, start_counting),
        cmocka_unit_test_setup(a_closed_pipe_lets_its_waiting_writer_go, start_counting),
        cmocka_unit_test_setup(what_nobody_took_is_discarded, start_counting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
