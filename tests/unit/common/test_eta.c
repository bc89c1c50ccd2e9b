#include "tests/unit/common/unit.h"

#include <math.h>

#include "common/eta.h"

#define STEP_MS 500
#define TOTAL 100.0

/* Notes every half second for so long, at so much a second from `done` on; gives where it ends. */
static double go(struct fm_eta *eta, double done, double rate, double seconds)
{
    int64_t now_ms = eta->started ? eta->at_ms : 1000;
    fm_eta_note(eta, now_ms, done, TOTAL);
    for (int64_t left_ms = llround(seconds * 1000); left_ms > 0; left_ms -= STEP_MS) {
        now_ms += STEP_MS;
        done = fmin(done + rate * STEP_MS / 1000.0, TOTAL);
        fm_eta_note(eta, now_ms, done, TOTAL);
    }
    return done;
}

static bool is_near(double value, double expected)
{
    return fabs(value - expected) <= expected * 0.05 + 0.05;
}

static void nothing_is_known_in_the_first_second(void **state)
{
    (void)state;
    struct fm_eta eta = {0};
    assert_true(fm_eta_left(&eta) < 0 && fm_eta_rate(&eta) < 0);
    go(&eta, 0, 2, 0.5);
    assert_true(fm_eta_left(&eta) < 0);
    assert_true(is_near(fm_eta_rate(&eta), 2));
}

static void what_goes_evenly_ends_when_it_was_said_to(void **state)
{
    (void)state;
    struct fm_eta eta = {0};
    double done = go(&eta, 0, 2, 1);
    for (int at = 1; at < 49; at++) {
        assert_true(is_near(fm_eta_left(&eta), 50 - at));
        done = go(&eta, done, 2, 1);
    }
    go(&eta, done, 2, 1);
    assert_true(fm_eta_left(&eta) < 0.2);
}

/* A film whose second half is harder: the time left turns within seconds, without a jump. */
static void a_change_of_pace_is_followed_calmly(void **state)
{
    (void)state;
    struct fm_eta eta = {0};
    double done = go(&eta, 0, 4, 10), last = fm_eta_left(&eta);
    assert_true(is_near(last, 15));
    for (int i = 0; i < 20; i++) {
        done = go(&eta, done, 1, 0.5);
        assert_true(fm_eta_left(&eta) < last * 1.25 + 1);
        last = fm_eta_left(&eta);
    }
    assert_true(last > 25 && last < 60);
    go(&eta, done, 1, 20);
    assert_true(fabs(fm_eta_left(&eta) - (TOTAL - eta.done)) < 10);
}

static void what_stands_still_is_never_about_to_end(void **state)
{
    (void)state;
    struct fm_eta eta = {0};
    double done = go(&eta, 0, 8, 10), before = fm_eta_left(&eta);
    done = go(&eta, done, 0, 30);
    assert_true(fm_eta_left(&eta) > before * 4);
    go(&eta, done, 8, 2);
    assert_true(isfinite(fm_eta_left(&eta)));
}

static void without_a_total_there_is_a_rate_alone(void **state)
{
    (void)state;
    struct fm_eta eta = {0};
    for (int i = 0; i < 10; i++) {
        fm_eta_note(&eta, INT64_C(1) * i * STEP_MS, i, 0);
    }
    assert_true(is_near(fm_eta_rate(&eta), 2));
    assert_true(fm_eta_left(&eta) < 0);
}

/* A source that is fetched again from its start. */
static void a_step_back_is_no_speed(void **state)
{
    (void)state;
    struct fm_eta eta = {0};
    double done = go(&eta, 0, 5, 10);
    go(&eta, done - 50, 5, 5);
    assert_true(fm_eta_rate(&eta) > 0 && fm_eta_rate(&eta) < 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_in_the_first_second),
        cmocka_unit_test(what_goes_evenly_ends_when_it_was_said_to),
        cmocka_unit_test(a_change_of_pace_is_followed_calmly),
        cmocka_unit_test(what_stands_still_is_never_about_to_end),
        cmocka_unit_test(without_a_total_there_is_a_rate_alone),
        cmocka_unit_test(a_step_back_is_no_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
