/* The watch wakes the requests that wait for a job: which of them, and how often. */
#include "tests/unit/common/unit.h"

#include "broker/queue/watch.h"
#include "common/memory.h"

#define WAITERS 5

static const struct fm_id first = {{1}}, second = {{2}};

/* One waiter, and how often it was woken. */
struct waiter {
    struct fm_watch_entry entry;
    unsigned woken;
};

struct world {
    struct fm_watch *watch;
    struct waiter waiters[WAITERS];
};

static void count(struct fm_watch_entry *entry)
{
    struct waiter *waiter = entry->context;
    waiter->woken++;
}

static int begin(void **state)
{
    struct world *world = fm_alloc(sizeof *world);
    world->watch = fm_watch_new();
    *state = world;
    return 0;
}

static int end(void **state)
{
    struct world *world = *state;
    fm_watch_destroy(&world->watch);
    fm_memory_release(&world);
    return 0;
}

static struct waiter *wait_for(struct world *world, size_t number, struct fm_id job)
{
    struct waiter *waiter = &world->waiters[number];
    waiter->entry = (struct fm_watch_entry){.job = job, .changed = count, .context = waiter};
    fm_watch_add(world->watch, &waiter->entry);
    return waiter;
}

static void all_who_wait_for_a_job_are_told_once(void **state)
{
    struct world *world = *state;
    struct waiter *a = wait_for(world, 0, first), *b = wait_for(world, 1, first);
    struct waiter *other = wait_for(world, 2, second);
    fm_watch_wake(world->watch, &first);
    fm_watch_wake(world->watch, &first);
    assert_int_equal(a->woken, 1);
    assert_int_equal(b->woken, 1);
    assert_int_equal(other->woken, 0);
    assert_int_equal(fm_watch_count(world->watch), 1);
}

static void who_left_is_told_nothing(void **state)
{
    struct world *world = *state;
    struct waiter *a = wait_for(world, 0, first), *b = wait_for(world, 1, first);
    assert_true(fm_watch_remove(world->watch, &a->entry));
    fm_watch_wake(world->watch, &first);
    assert_false(fm_watch_remove(world->watch, &b->entry));
    assert_int_equal(a->woken, 0);
    assert_int_equal(b->woken, 1);
    assert_int_equal(fm_watch_count(world->watch), 0);
}

static void a_state_is_news_to_those_alone_who_saw_another(void **state)
{
    struct world *world = *state;
    struct waiter *a = wait_for(world, 0, first);
    fm_watch_compare(world->watch, &first, FM_WATCH_RUNNING);
    assert_int_equal(a->woken, 0); /* it has seen nothing yet */
    fm_watch_know(world->watch, &a->entry, FM_WATCH_RUNNING);
    fm_watch_compare(world->watch, &first, FM_WATCH_RUNNING);
    fm_watch_compare(world->watch, &second, FM_WATCH_WAITING);
    assert_int_equal(a->woken, 0);
    fm_watch_compare(world->watch, &first, FM_WATCH_WAITING);
    assert_int_equal(a->woken, 1);
}

static void all_who_waited_before_are_woken_to_read_again_in_slices(void **state)
{
    struct world *world = *state;
    for (uint8_t i = 0; i < WAITERS - 1; i++) {
        wait_for(world, i, (struct fm_id){{i}});
    }
    assert_false(fm_watch_wake_stale(world->watch, 2));
    fm_watch_renew(world->watch);
    struct waiter *late = wait_for(world, WAITERS - 1, (struct fm_id){{WAITERS}});
    assert_true(fm_watch_wake_stale(world->watch, 2));
    assert_int_equal(world->waiters[1].woken, 1);
    assert_int_equal(world->waiters[2].woken, 0);
    assert_false(fm_watch_wake_stale(world->watch, WAITERS));
    for (size_t i = 0; i < WAITERS - 1; i++) {
        assert_int_equal(world->waiters[i].woken, 1);
    }
    assert_int_equal(late->woken, 0);
}

static void each_job_has_its_turn_where_not_all_can_be_asked_about(void **state)
{
    struct world *world = *state;
    struct fm_id asked[2];
    bool seen[WAITERS] = {false};
    for (uint8_t i = 0; i < WAITERS; i++) {
        wait_for(world, i, (struct fm_id){{i}});
    }
    for (int turn = 0; turn < 3; turn++) {
        size_t got = fm_watch_jobs(world->watch, asked, FM_COUNT(asked));
        for (size_t i = 0; i < got; i++) {
            seen[asked[i].bytes[0]] = true;
        }
    }
    for (size_t i = 0; i < WAITERS; i++) {
        assert_true(seen[i]);
    }
    for (size_t i = 0; i < WAITERS; i++) {
        assert_true(fm_watch_remove(world->watch, &world->waiters[i].entry));
    }
}

static void count_change(struct fm_watch_entry *entry)
{
    ++*(int *)entry->context;
}

static void a_watcher_is_told_once(void **state)
{
    (void)state;
    struct fm_watch *watch = fm_watch_new();
    int woken = 0;
    struct fm_watch_entry entry = {.job = {{1}}, .changed = count_change, .context = &woken};
    struct fm_watch_entry other = {.job = {{2}}, .changed = count_change, .context = &woken};
    struct fm_id jobs[4];
    fm_watch_add(watch, &entry);
    fm_watch_add(watch, &other);
    assert_int_equal(fm_watch_jobs(watch, jobs, 4), 2);
    assert_int_equal(fm_watch_jobs(watch, jobs, 1), 1);
    fm_watch_wake(watch, &entry.job);
    fm_watch_wake(watch, &entry.job);
    assert_int_equal(woken, 1);
    assert_false(fm_watch_remove(watch, &entry));
    assert_true(fm_watch_remove(watch, &other));
    assert_int_equal(fm_watch_jobs(watch, jobs, 4), 0);
    fm_watch_destroy(&watch);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_who_wait_for_a_job_are_told_once),
        TEST(who_left_is_told_nothing),
        TEST(a_state_is_news_to_those_alone_who_saw_another),
        TEST(all_who_waited_before_are_woken_to_read_again_in_slices),
        cmocka_unit_test(a_watcher_is_told_once),
        TEST(each_job_has_its_turn_where_not_all_can_be_asked_about),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
