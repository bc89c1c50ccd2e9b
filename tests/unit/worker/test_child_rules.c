/* Tests which message a child may send, and when: cases of the table, and cases outside it. */
#include "tests/unit/worker/unit.h"

#include "worker/child_rules.h"

static bool allows(enum fm_child_role role, enum fm_child_state state, enum fm_message_type type,
                   uint64_t error, size_t fd_count)
{
    struct fm_message message;
    fm_message_init(&message, type);
    if (type == FM_MESSAGE_END) {
        message.end.error = error;
    }
    bool is_allowed = fm_child_rules_allow(role, state, &message, fd_count);
    fm_message_done(&message);
    return is_allowed;
}

static void ready_comes_first_and_once(void **state)
{
    (void)state;
    assert_true(allows(FM_CHILD_SPARE, FM_CHILD_STARTED, FM_MESSAGE_READY, 0, 0));
    assert_true(allows(FM_CHILD_TRANSFER, FM_CHILD_STARTED, FM_MESSAGE_READY, 0, 0));
    assert_false(allows(FM_CHILD_SPARE, FM_CHILD_IDLE, FM_MESSAGE_READY, 0, 0));
    assert_false(allows(FM_CHILD_WORK, FM_CHILD_BUSY, FM_MESSAGE_READY, 0, 0));
}

static void a_source_comes_from_a_fetch_and_with_its_descriptor(void **state)
{
    (void)state;
    assert_true(allows(FM_CHILD_TRANSFER, FM_CHILD_BUSY, FM_MESSAGE_SOURCE, 0, 1));
    assert_false(allows(FM_CHILD_TRANSFER, FM_CHILD_BUSY, FM_MESSAGE_SOURCE, 0, 0));
    assert_false(allows(FM_CHILD_TRANSFER, FM_CHILD_IDLE, FM_MESSAGE_SOURCE, 0, 1));
    assert_false(allows(FM_CHILD_TRANSFER, FM_CHILD_DELIVERING, FM_MESSAGE_SOURCE, 0, 1));
    assert_false(allows(FM_CHILD_WORK, FM_CHILD_BUSY, FM_MESSAGE_SOURCE, 0, 1));
}

static void urls_are_asked_for_only_to_deliver(void **state)
{
    (void)state;
    assert_true(allows(FM_CHILD_TRANSFER, FM_CHILD_DELIVERING, FM_MESSAGE_WANT_UPLOAD, 0, 0));
    assert_false(allows(FM_CHILD_TRANSFER, FM_CHILD_BUSY, FM_MESSAGE_WANT_UPLOAD, 0, 0));
    assert_false(allows(FM_CHILD_WORK, FM_CHILD_BUSY, FM_MESSAGE_WANT_UPLOAD, 0, 0));
}

static void success_has_its_time_and_failure_any(void **state)
{
    (void)state;
    assert_true(allows(FM_CHILD_TRANSFER, FM_CHILD_DELIVERING, FM_MESSAGE_END, 0, 0));
    assert_false(allows(FM_CHILD_TRANSFER, FM_CHILD_BUSY, FM_MESSAGE_END, 0, 0));
    assert_true(allows(FM_CHILD_TRANSFER, FM_CHILD_BUSY, FM_MESSAGE_END, FM_SOURCE_TIMEOUT, 0));
    assert_true(allows(FM_CHILD_WORK, FM_CHILD_BUSY, FM_MESSAGE_END, 0, 0));
    assert_false(allows(FM_CHILD_SPARE, FM_CHILD_IDLE, FM_MESSAGE_END, 0, 0));
    assert_true(allows(FM_CHILD_SPARE, FM_CHILD_STARTED, FM_MESSAGE_END, FM_INTERNAL, 0));
}

static void nothing_is_heard_after_the_end(void **state)
{
    static const enum fm_message_type types[] = {FM_MESSAGE_READY, FM_MESSAGE_SOURCE,
                                                 FM_MESSAGE_PROGRESS, FM_MESSAGE_END};
    (void)state;
    for (size_t i = 0; i < FM_COUNT(types); i++) {
        assert_false(allows(FM_CHILD_TRANSFER, FM_CHILD_ENDED, types[i], FM_INTERNAL, 0));
        assert_false(allows(FM_CHILD_WORK, FM_CHILD_ENDED, types[i], FM_INTERNAL, 0));
    }
}

static void no_descriptor_comes_along_with_anything_else(void **state)
{
    (void)state;
    assert_true(allows(FM_CHILD_WORK, FM_CHILD_BUSY, FM_MESSAGE_PROGRESS, 0, 0));
    assert_false(allows(FM_CHILD_WORK, FM_CHILD_BUSY, FM_MESSAGE_PROGRESS, 0, 1));
    assert_false(allows(FM_CHILD_VERIFY, FM_CHILD_BUSY, FM_MESSAGE_END, 0, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ready_comes_first_and_once),
        cmocka_unit_test(a_source_comes_from_a_fetch_and_with_its_descriptor),
        cmocka_unit_test(urls_are_asked_for_only_to_deliver),
        cmocka_unit_test(success_has_its_time_and_failure_any),
        cmocka_unit_test(nothing_is_heard_after_the_end),
        cmocka_unit_test(no_descriptor_comes_along_with_anything_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
