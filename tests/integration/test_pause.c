/* Tests pauses: how a paused job makes room for others, and how a broker learns of a pause. */
#include "broker/queue/tick_db.h"

#include <poll.h>
#include <string.h>

#include "common/clock.h"
#include "common/site.h"
#include "tests/integration/world.h"

#define L1 0xfedcba9876543210u
#define S1 0x8877665544332211u
#define WAIT_MS 10000

static void expect(struct fm_queue_event *event, enum fm_queue_outcome outcome)
{
    assert_int_equal(world_do(event), outcome);
}

/* ---- a job makes room ---- */

static void a_waiting_job_comes_up_again_within_half_a_minute(void **state)
{
    (void)state;
    struct fm_id id = world_waiting(), other = world_waiting();
    expect(world_defer(id), FM_QUEUE_MOVED);
    assert_string_equal(world_place(id), "waiting");
    assert_in_range(world_live(id, "extract(epoch FROM run_at - now()) * 1000"), 20000, 30000);
    assert_int_equal(world_live(id, "is_deferred::integer"), 1);
    assert_int_equal(world_live(other, "is_deferred::integer"), 0);
}

static void a_deferral_that_runs_again_moves_nothing(void **state)
{
    (void)state;
    struct fm_id id = world_waiting();
    expect(world_defer(id), FM_QUEUE_MOVED);
    long long before = world_live(id, "extract(epoch FROM run_at) * 1000000");
    expect(world_defer(id), FM_QUEUE_STALE);
    assert_int_equal(world_live(id, "extract(epoch FROM run_at) * 1000000"), before);
}

static void a_job_claimed_meanwhile_runs(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_leased(L1, S1);
    expect(world_defer(id), FM_QUEUE_STALE);
    assert_string_equal(world_place(id), "leased");
}

static void a_deferral_and_a_claim_in_one_flush_leave_it_waiting(void **state)
{
    (void)state;
    world_session(S1, "one");
    struct fm_id id = world_waiting();
    struct fm_queue_event *claim = world_claim(id, L1, S1), *defer = world_defer(id);
    world_add(world_queue, claim);
    world_add(world_queue, defer);
    world_pump(world_queue, 0);
    assert_int_equal(defer->outcome, FM_QUEUE_MOVED);
    assert_int_equal(claim->outcome, FM_QUEUE_STALE);
    fm_queue_event_destroy(&claim);
    fm_queue_event_destroy(&defer);
    assert_string_equal(world_place(id), "waiting");
}

/* ---- a broker learns of a pause ---- */

struct reading {
    bool is_answered;
    uint64_t epoch;
    struct fm_reason_pause pauses[4];
    size_t pause_count;
    unsigned site; /* of the first head */
};

static void note_answer(void *context, const struct fm_tick_answer *answer)
{
    struct reading *reading = context;
    assert_non_null(answer);
    reading->is_answered = true;
    reading->epoch = answer->pause_epoch;
    reading->pause_count = answer->pause_count;
    for (size_t i = 0; i < answer->pause_count && i < 4; i++) {
        reading->pauses[i] = answer->pauses[i];
    }
    reading->site = answer->head_count > 0 ? answer->heads[0].site : 0;
}

static struct reading read_pauses(void)
{
    static const char *const pools[] = {"any:net"};
    static const unsigned windows[] = {16};
    const struct fm_tick_query query = {
        .pools = pools, .windows = windows, .pool_count = 1, .wants_pauses = true};
    struct reading reading = {0};
    struct fm_tick_db *tick = fm_tick_db_new(world_postgres.url, WORLD_BROKER);
    int64_t deadline = fm_clock_ms() + WAIT_MS;
    while (!fm_tick_db_start(tick, &query, note_answer, &reading) || !reading.is_answered) {
        assert_true(fm_clock_ms() < deadline);
        struct pollfd p = {.fd = fm_tick_db_fd(tick), .events = fm_tick_db_poll_events(tick)};
        int wait = fm_tick_db_pump(tick);
        poll(&p, 1, wait < 0 || wait > 20 ? 20 : wait);
    }
    fm_tick_db_destroy(&tick);
    return reading;
}

static const struct fm_reason_pause *find(const struct reading *reading,
                                          enum fm_reason_pause_kind kind)
{
    for (size_t i = 0; i < reading->pause_count; i++) {
        if (reading->pauses[i].kind == kind) {
            return &reading->pauses[i];
        }
    }
    fail_msg("no pause of that kind");
    return NULL;
}

static void a_tick_reads_all_pauses_whose_subject_this_broker_knows(void **state)
{
    (void)state;
    postgres_run(&world_postgres,
                 "INSERT INTO pause (id, kind, subject) VALUES "
                 "(gen_random_uuid(), 'site', 'tiktok'), (gen_random_uuid(), 'site', 'nosuch'), "
                 "(gen_random_uuid(), 'pool', 'any:cpu'), (gen_random_uuid(), 'account', "
                 "'01020304-0506-0708-090a-0b0c0d0e0f10')");
    struct reading reading = read_pauses();
    postgres_run(&world_postgres, "DELETE FROM pause");
    assert_int_equal(reading.pause_count, 3);
    assert_int_equal(find(&reading, FM_REASON_SITE)->site, FM_SITE_TIKTOK);
    assert_string_equal(find(&reading, FM_REASON_POOL)->pool, "any:cpu");
    assert_int_equal(find(&reading, FM_REASON_ACCOUNT)->account.bytes[15], 0x10);
    assert_true(reading.epoch > 0);
}

static void a_head_tells_its_site(void **state)
{
    (void)state;
    struct fm_queue_event *event = world_enqueue(fm_id_new());
    event->site = FM_SITE_TIKTOK;
    expect(event, FM_QUEUE_MOVED);
    assert_int_equal(read_pauses().site, FM_SITE_TIKTOK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_begin, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_waiting_job_comes_up_again_within_half_a_minute),
        TEST(a_deferral_that_runs_again_moves_nothing),
        TEST(a_job_claimed_meanwhile_runs),
        TEST(a_deferral_and_a_claim_in_one_flush_leave_it_waiting),
        TEST(a_tick_reads_all_pauses_whose_subject_this_broker_knows),
        TEST(a_head_tells_its_site),
    };
    return cmocka_run_group_tests_name("pause", tests, world_open, world_close);
}
