#include "tests/unit/common/unit.h"

#include <stdio.h>

#include "broker/queue/claim.h"

/* What a new job is offered: two workers, one with two slots and one with three. */
static struct fm_hub hub;
static struct fm_session *small, *large;

static struct fm_session *attach(uint8_t number, unsigned slots)
{
    struct fm_tick_node node = {.id = {{3, number}}};
    struct fm_session *session = fm_session_get(hub.sessions, &node);
    session->state = FM_SESSION_ATTACHED;
    session->id = number;
    session->slots[FM_CLASS_NET] = slots;
    snprintf(session->placement, sizeof session->placement, "any");
    return session;
}

static void read_heads(void)
{
    fm_schedule_begin_refill(hub.schedule);
    fm_schedule_refill(hub.schedule, "any:net", NULL, 0);
}

static int begin(void **state)
{
    (void)state;
    hub = (struct fm_hub){.running_limit = fm_running_limit_new(), .reason = fm_reason_new()};
    hub.sessions = fm_session_set_new(hub.running_limit);
    hub.schedule = fm_schedule_new(hub.running_limit);
    small = attach(1, 2);
    large = attach(2, 3);
    return 0;
}

static int end(void **state)
{
    (void)state;
    fm_schedule_destroy(&hub.schedule);
    fm_session_set_destroy(&hub.sessions);
    fm_reason_destroy(&hub.reason);
    fm_running_limit_destroy(&hub.running_limit);
    return 0;
}

static struct fm_queue_event post(uint8_t job)
{
    return (struct fm_queue_event){.kind = FM_QUEUE_ENQUEUE,
                                   .account = {{1, 1}},
                                   .id = {{2, job}},
                                   .pool = "any:net",
                                   .lane = FM_PRIORITY_NORMAL};
}

static bool is_offered(struct fm_queue_event *event)
{
    fm_claim_offer(&hub, event);
    return event->lease != 0;
}

static void free_slots_are_offered_where_most_are_until_none_is_left(void **state)
{
    (void)state;
    struct fm_queue_event events[6];
    read_heads();
    for (uint8_t i = 0; i < 5; i++) {
        events[i] = post(i);
        assert_true(is_offered(&events[i]));
    }
    assert_true(events[0].session == large->id);
    assert_int_equal(HASH_COUNT(small->leases), 2);
    assert_int_equal(HASH_COUNT(large->leases), 3);
    events[5] = post(5);
    assert_false(is_offered(&events[5]));
}

static void nothing_is_offered_before_a_read_or_past_a_job_that_waits(void **state)
{
    (void)state;
    struct fm_queue_event first = post(1), second = post(2), third = post(3);
    struct fm_tick_head head;
    assert_false(is_offered(&first));
    first.outcome = FM_QUEUE_FAILED;
    fm_claim_born(&hub, &first);
    read_heads();
    fm_schedule_expect(hub.schedule, "any:net"); /* another is on its way to wait */
    assert_false(is_offered(&second));
    fm_schedule_arrive(hub.schedule, "any:net", NULL);
    second.outcome = FM_QUEUE_MOVED;
    fm_claim_born(&hub, &second); /* committed: it waits, and is the next */
    assert_false(is_offered(&third));
    assert_true(fm_schedule_next(hub.schedule, "any:net", &small->node.id, false, &head));
    assert_int_equal(fm_id_compare(&head.id, &second.id), 0);
}

static void nothing_is_offered_to_what_must_wait(void **state)
{
    (void)state;
    const struct fm_reason_pause pause = {.kind = FM_REASON_SITE, .site = 3};
    struct fm_queue_event scheduled = post(1), paused = post(2), at_limit = post(3), free = post(4);
    fm_reason_set_pauses(hub.reason, &pause, 1);
    scheduled.run_at_us = 1;
    paused.site = 3;
    at_limit.running_limit = 1;
    read_heads();
    struct fm_queue_event *waits[] = {&scheduled, &paused};
    for (size_t i = 0; i < 2; i++) {
        assert_false(is_offered(waits[i]));
        fm_schedule_arrive(hub.schedule, "any:net", NULL);
    }
    assert_true(is_offered(&at_limit));
    at_limit = post(5);
    at_limit.running_limit = 1;
    assert_false(is_offered(&at_limit));
    fm_schedule_arrive(hub.schedule, "any:net", NULL);
    assert_true(is_offered(&free));
}

static void a_birth_that_did_not_come_about_gives_its_slot_back(void **state)
{
    (void)state;
    struct fm_queue_event waits = post(1), failed = post(2), unsure = post(3);
    read_heads();
    assert_true(is_offered(&waits) && is_offered(&failed) && is_offered(&unsure));
    waits.outcome = FM_QUEUE_MOVED; /* its session was not this broker's any more */
    fm_claim_born(&hub, &waits);
    assert_false(fm_schedule_is_open(hub.schedule, "any:net"));
    failed.outcome = FM_QUEUE_FAILED;
    failed.failure = FM_UNAVAILABLE;
    fm_claim_born(&hub, &failed);
    assert_int_equal(HASH_COUNT(small->leases) + HASH_COUNT(large->leases), 1);
    /* It is unknown whether this job is leased: the worker's next heartbeat shows it. */
    unsure.outcome = FM_QUEUE_FAILED;
    unsure.failure = FM_DATABASE_UNCERTAIN;
    fm_claim_born(&hub, &unsure);
    struct fm_session *session = fm_session_by_id(hub.sessions, unsure.session);
    struct fm_session_lease *held = fm_session_lease_find(session, unsure.lease);
    const struct fm_heartbeat beat = {.seen = 1};
    assert_true(held != NULL && !held->is_claiming);
    assert_ptr_equal(fm_session_unlisted(session, &beat), held);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(free_slots_are_offered_where_most_are_until_none_is_left),
        TEST(nothing_is_offered_before_a_read_or_past_a_job_that_waits),
        TEST(nothing_is_offered_to_what_must_wait),
        TEST(a_birth_that_did_not_come_about_gives_its_slot_back),
    };
    return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
