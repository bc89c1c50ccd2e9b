#include "tests/unit/common/unit.h"

#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "common/memory.h"
#include "common/thread_pool.h"

#define WAIT_S 20
#define THREADS 4u
#define POSTERS 3ul
#define TASKS 2000u /* of each poster */

static void wait_for(sem_t *event)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    assert_int_equal(sem_timedwait(event, &until), 0);
}

/* A task that says it has begun, and ends when it may. */
struct held {
    struct fm_thread_pool_task task;
    sem_t has_begun, may_end;
    unsigned thread;
    char thread_name[16];
};

static void run_held(struct fm_thread_pool_task *task, unsigned thread)
{
    struct held *held = fm_container_of(task, struct held, task);
    held->thread = thread;
    pthread_getname_np(pthread_self(), held->thread_name, sizeof(held->thread_name));
    sem_post(&held->has_begun);
    wait_for(&held->may_end);
}

static void post_held(struct fm_thread_pool *pool, struct held *held)
{
    *held = (struct held){.task.run = run_held};
    sem_init(&held->has_begun, 0, 0);
    sem_init(&held->may_end, 0, 0);
    assert_true(fm_thread_pool_post(pool, &held->task));
}

/* Once the pool is destroyed. */
static void held_done(struct held *held)
{
    sem_destroy(&held->has_begun);
    sem_destroy(&held->may_end);
}

/* A task that appends its number to a list; one thread alone runs these. */
struct list {
    unsigned numbers[8], count;
};

struct numbered {
    struct fm_thread_pool_task task;
    unsigned number;
    struct list *list;
};

static void note_number(struct fm_thread_pool_task *task, unsigned thread)
{
    struct numbered *it = fm_container_of(task, struct numbered, task);
    (void)thread;
    it->list->numbers[it->list->count++] = it->number;
}

static void post_number(struct fm_thread_pool *pool, struct numbered *it, unsigned number,
                        struct list *list)
{
    *it = (struct numbered){{.run = note_number}, number, list};
    assert_true(fm_thread_pool_post(pool, &it->task));
}

static void tasks_run_in_the_order_posted_and_all_before_the_end(void **state)
{
    (void)state;
    struct held held;
    struct list list = {0};
    struct numbered tasks[8];
    struct fm_thread_pool *pool = fm_thread_pool_new("order", 1, FM_COUNT(tasks));
    post_held(pool, &held);
    wait_for(&held.has_begun);
    for (unsigned i = 0; i < FM_COUNT(tasks); i++) {
        post_number(pool, &tasks[i], i, &list);
    }
    sem_post(&held.may_end);
    fm_thread_pool_destroy(&pool);
    assert_null(pool);
    held_done(&held);
    assert_int_equal(list.count, FM_COUNT(tasks));
    for (unsigned i = 0; i < FM_COUNT(tasks); i++) {
        assert_int_equal(list.numbers[i], i);
    }
}

static void a_full_pool_refuses_until_a_task_is_taken(void **state)
{
    (void)state;
    struct held first, second;
    struct list list = {0};
    struct numbered waiting, refused = {{.run = note_number}, 2, &list};
    struct fm_thread_pool *pool = fm_thread_pool_new("full", 1, 2);
    post_held(pool, &first);
    wait_for(&first.has_begun);
    post_held(pool, &second);
    post_number(pool, &waiting, 1, &list);
    assert_false(fm_thread_pool_post(pool, &refused.task));
    sem_post(&first.may_end);
    wait_for(&second.has_begun);
    assert_true(fm_thread_pool_post(pool, &refused.task));
    sem_post(&second.may_end);
    fm_thread_pool_destroy(&pool);
    held_done(&first);
    held_done(&second);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.numbers[1], 2);
}

static void as_many_tasks_run_at_once_as_there_are_threads(void **state)
{
    (void)state;
    struct held held[THREADS];
    unsigned seen = 0;
    struct fm_thread_pool *pool = fm_thread_pool_new("at-once", THREADS, THREADS);
    for (unsigned i = 0; i < THREADS; i++) {
        post_held(pool, &held[i]);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        char name[16];
        wait_for(&held[i].has_begun);
        snprintf(name, sizeof(name), "at-once-%u", held[i].thread);
        assert_string_equal(held[i].thread_name, name);
        seen |= 1u << held[i].thread;
    }
    assert_int_equal(seen, (1u << THREADS) - 1);
    for (unsigned i = 0; i < THREADS; i++) {
        sem_post(&held[i].may_end);
    }
    fm_thread_pool_destroy(&pool);
    for (unsigned i = 0; i < THREADS; i++) {
        held_done(&held[i]);
    }
}

/* ---- under load: plain counters, one a thread, which TSan would see shared ---- */

struct counted {
    struct fm_thread_pool_task task;
    unsigned *counters;
    unsigned runs_left;
    struct fm_thread_pool *pool;
};

/* Posts itself again once, then frees itself. */
static void count_run(struct fm_thread_pool_task *task, unsigned thread)
{
    struct counted *it = fm_container_of(task, struct counted, task);
    it->counters[thread]++;
    if (--it->runs_left == 0) {
        free(it);
    } else {
        assert_true(fm_thread_pool_post(it->pool, &it->task));
    }
}

struct poster {
    pthread_t thread;
    struct fm_thread_pool *pool;
    unsigned *counters;
};

static void *post_many(void *context)
{
    const struct poster *poster = context;
    for (unsigned i = 0; i < TASKS; i++) {
        struct counted *it = fm_alloc(sizeof(*it));
        *it = (struct counted){{.run = count_run}, poster->counters, 2, poster->pool};
        assert_true(fm_thread_pool_post(poster->pool, &it->task));
    }
    return NULL;
}

static void every_task_runs_once_for_each_time_posted(void **state)
{
    (void)state;
    unsigned counters[THREADS] = {0}, sum = 0;
    struct poster posters[POSTERS];
    struct fm_thread_pool *pool = fm_thread_pool_new("load", THREADS, POSTERS * TASKS);
    for (size_t i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.pool = pool, .counters = counters};
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_many, &posters[i]), 0);
    }
    for (size_t i = 0; i < POSTERS; i++) {
        pthread_join(posters[i].thread, NULL);
    }
    fm_thread_pool_destroy(&pool);
    for (size_t i = 0; i < THREADS; i++) {
        sum += counters[i];
    }
    assert_int_equal(sum, 2 * POSTERS * TASKS);
}

static void an_idle_pool_ends_at_once(void **state)
{
    (void)state;
    struct fm_thread_pool *pool = fm_thread_pool_new("a name that is too long", 2, 0);
    struct numbered task = {0};
    assert_false(fm_thread_pool_post(pool, &task.task));
    fm_thread_pool_destroy(&pool);
    fm_thread_pool_destroy(&pool);
    assert_null(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tasks_run_in_the_order_posted_and_all_before_the_end),
        cmocka_unit_test(a_full_pool_refuses_until_a_task_is_taken),
        cmocka_unit_test(as_many_tasks_run_at_once_as_there_are_threads),
        cmocka_unit_test(every_task_runs_once_for_each_time_posted),
        cmocka_unit_test(an_idle_pool_ends_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
