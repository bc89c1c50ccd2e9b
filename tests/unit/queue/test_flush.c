/* Which events go together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/queue/flush.h"
#include "common/memory.h"
#include "sql/sql.h"

static struct fm_flush *flush;
static struct fm_queue_event *list;
static struct fm_queue_event **tail;

static int begin(void **state)
{
    (void)state;
    flush = fm_flush_new(7);
    list = NULL;
    tail = &list;
    return 0;
}

static int end(void **state)
{
    (void)state;
    fm_flush_give_back(flush, &list);
    while (list != NULL) {
        struct fm_queue_event *event = list;
        list = event->next;
        fm_queue_event_destroy(&event);
    }
    fm_flush_destroy(&flush);
    return 0;
}

static struct fm_queue_event *add(enum fm_queue_kind kind, uint64_t number)
{
    struct fm_queue_event *event = fm_queue_event_new(kind);
    event->id = fm_id_floor((int64_t)number);
    event->lease = event->session = number;
    *tail = event;
    tail = &event->next;
    return event;
}

static void kinds_stand_together_and_the_limit_holds(void **state)
{
    (void)state;
    add(FM_QUEUE_CANCEL, 1);
    add(FM_QUEUE_ENQUEUE, 2);
    add(FM_QUEUE_CANCEL, 3);
    struct fm_queue_event *last = add(FM_QUEUE_ENQUEUE, 4);
    fm_flush_take(flush, &list, 3);
    assert_int_equal(flush->count, 3);
    assert_int_equal(flush->events[0]->kind, FM_QUEUE_ENQUEUE);
    assert_int_equal(flush->events[1]->kind, FM_QUEUE_CANCEL);
    assert_int_equal(flush->first[FM_QUEUE_CANCEL], 1);
    assert_int_equal(flush->first[FM_QUEUE_CANCEL + 1], 3);
    assert_ptr_equal(list, last);
}

static void a_second_event_about_the_same_thing_waits_in_its_place(void **state)
{
    (void)state;
    struct fm_queue_event *first = add(FM_QUEUE_FINISH, 1);
    struct fm_queue_event *second = add(FM_QUEUE_FINISH, 1);
    add(FM_QUEUE_CANCEL, 1);
    struct fm_queue_event *third = add(FM_QUEUE_FINISH, 1);
    fm_flush_take(flush, &list, FM_FLUSH_MAX);
    assert_int_equal(flush->count, 2);
    assert_ptr_equal(flush->events[0], first);
    assert_ptr_equal(list, second);
    assert_ptr_equal(list->next, third);
    assert_null(third->next);
}

static void only_statements_with_events_are_sent_between_begin_and_commit(void **state)
{
    (void)state;
    add(FM_QUEUE_CANCEL, 1);
    add(FM_QUEUE_CLAIM, 2);
    fm_flush_take(flush, &list, FM_FLUSH_MAX);
    fm_flush_build(flush);
    const char *const want[] = {fm_sql_flush_begin, fm_sql_session_hold, fm_sql_job_cancel,
                                fm_sql_job_claim, fm_sql_flush_commit};
    assert_int_equal(flush->call_count, FM_COUNT(want));
    for (size_t i = 0; i < FM_COUNT(want); i++) {
        assert_ptr_equal(flush->calls[i].sql, want[i]);
    }
    assert_int_equal(flush->calls[1].lengths[0], 20 + 12);
    assert_int_equal(flush->calls[1].parameters[0][31], 2);
    assert_string_equal(flush->calls[1].parameters[1], "7");
}

static void an_uncertain_flush_writes_even_if_nothing_moves(void **state)
{
    (void)state;
    add(FM_QUEUE_CANCEL, 1);
    fm_flush_take(flush, &list, FM_FLUSH_MAX);
    flush->is_again = true;
    fm_flush_build(flush);
    assert_ptr_equal(flush->calls[1].sql, fm_sql_flush_again);
}

static void every_kind_at_once_fits(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < FM_QUEUE_KINDS; kind++) {
        add((enum fm_queue_kind)kind, kind + 1);
    }
    fm_flush_take(flush, &list, FM_FLUSH_MAX);
    flush->is_again = true;
    fm_flush_build(flush);
    assert_in_range(flush->call_count, FM_QUEUE_KINDS + 3, FM_DB_CALLS_MAX);
    assert_in_range(flush->parameter_count, 60, FM_FLUSH_PARAMETERS_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(kinds_stand_together_and_the_limit_holds),
        TEST(a_second_event_about_the_same_thing_waits_in_its_place),
        TEST(only_statements_with_events_are_sent_between_begin_and_commit),
        TEST(an_uncertain_flush_writes_even_if_nothing_moves),
        TEST(every_kind_at_once_fits),
    };
    return cmocka_run_group_tests_name("flush", tests, NULL, NULL);
}
