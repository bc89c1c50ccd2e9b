#include "tests/unit/common/unit.h"

#include <pthread.h>

#include "common/clock.h"
#include "common/id.h"
#include "common/memory.h"

#define RISING 20000
#define PER_THREAD ((size_t)2000)

static void ids_rise_also_within_a_millisecond(void **state)
{
    (void)state;
    struct fm_id before = fm_id_new();
    for (int i = 0; i < RISING; i++) {
        struct fm_id id = fm_id_new();
        assert_true(fm_id_compare(&before, &id) < 0);
        before = id;
    }
}

static void a_series_rises_and_is_nobody_elses(void **state)
{
    (void)state;
    struct fm_id first = fm_id_series_new(), other = fm_id_series_new();
    static const uint32_t places[] = {0, 1, 255, 256, 65535, 65536, 100000, FM_ID_SERIES_LIMIT - 1};
    struct fm_id before = fm_id_series_at(&first, 0);
    assert_int_equal(fm_id_compare(&first, &before), 0);
    for (size_t i = 1; i < FM_COUNT(places); i++) {
        struct fm_id id = fm_id_series_at(&first, places[i]);
        assert_true(fm_id_compare(&before, &id) < 0);
        assert_true(fm_id_compare(&id, &other) < 0);
        assert_true(fm_id_time_ms(&id) == fm_id_time_ms(&first));
        assert_int_equal(id.bytes[6] >> 4, 7);
        assert_int_equal(id.bytes[8] >> 6, 2);
        before = id;
    }
}

static void *make_ids(void *context)
{
    struct fm_id *ids = context;
    for (size_t i = 0; i < PER_THREAD; i++) {
        ids[i] = fm_id_new();
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return fm_id_compare(a, b);
}

static void two_threads_never_make_the_same_moment(void **state)
{
    (void)state;
    FM_AUTO_FREE struct fm_id *ids = fm_alloc_array(2 * PER_THREAD, sizeof(*ids));
    pthread_t other;
    assert_int_equal(pthread_create(&other, NULL, make_ids, ids), 0);
    make_ids(ids + PER_THREAD);
    pthread_join(other, NULL);
    qsort(ids, 2 * PER_THREAD, sizeof(*ids), compare);
    for (size_t i = 1; i < 2 * PER_THREAD; i++) {
        assert_int_not_equal(memcmp(ids[i - 1].bytes, ids[i].bytes, 8), 0);
    }
}

static void an_id_is_a_uuid_of_version_7_that_carries_its_time(void **state)
{
    (void)state;
    int64_t now = fm_clock_wall_us() / 1000;
    struct fm_id id = fm_id_new();
    assert_int_equal(id.bytes[6] >> 4, 7);
    assert_int_equal(id.bytes[8] >> 6, 2);
    assert_in_range(fm_id_time_ms(&id), now - 1000, now + 60000);
    struct fm_id floor = fm_id_floor(fm_id_time_ms(&id));
    assert_true(fm_id_compare(&floor, &id) < 0);
    char uuid[FM_ID_UUID_SIZE];
    floor = fm_id_floor(1);
    fm_id_to_uuid(&floor, uuid);
    assert_string_equal(uuid, "00000000-0001-7000-8000-000000000000");
}

static void ids_survive_both_spellings(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct fm_id id = fm_id_new();
        struct fm_id back = {{0}};
        char text[FM_ID_TEXT_SIZE];
        char uuid[FM_ID_UUID_SIZE];
        fm_id_format(FM_ID_BATCH, &id, text);
        assert_int_equal(strlen(text), 32);
        assert_true(fm_id_parse(FM_ID_BATCH, text, &back));
        assert_int_equal(fm_id_compare(&id, &back), 0);
        fm_id_to_uuid(&id, uuid);
        assert_true(fm_id_from_uuid(uuid, &back));
        assert_int_equal(fm_id_compare(&id, &back), 0);
    }
}

static void the_spelling_is_crockfords(void **state)
{
    (void)state;
    struct fm_id id = {{0}};
    char text[FM_ID_TEXT_SIZE];
    memset(id.bytes, 0xff, sizeof(id.bytes));
    fm_id_format(FM_ID_JOB, &id, text);
    assert_string_equal(text, "job_7zzzzzzzzzzzzzzzzzzzzzzzzz");
    memset(id.bytes, 0, sizeof(id.bytes));
    assert_true(fm_id_is_zero(&id));
    id.bytes[15] = 33;
    fm_id_format(FM_ID_JOB, &id, text);
    assert_string_equal(text, "job_00000000000000000000000011");
    assert_false(fm_id_is_zero(&id));
}

static void other_spellings_are_refused(void **state)
{
    (void)state;
    struct fm_id id;
    static const char *const wrong[] = {
        "",
        "job_",
        "file_00000000000000000000000011",
        "job_0000000000000000000000001",
        "job_000000000000000000000000111",
        "job_80000000000000000000000011",
        "job_0000000000000000000000001i",
        "job_0000000000000000000000001l",
        "job_0000000000000000000000001A",
        "JOB_00000000000000000000000011",
        "job_0000000000000000000000001\xc3",
    };
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        assert_false(fm_id_parse(FM_ID_JOB, wrong[i], &id));
    }
    assert_false(fm_id_from_uuid("00000000-0001-7000-8000-00000000000", &id));
    assert_false(fm_id_from_uuid("00000000-0001-7000-8000-00000000000g", &id));
    assert_false(fm_id_from_uuid("0000000000017000-8000-0000-000000000", &id));
    assert_false(fm_id_from_uuid("000000000001-7000-8000-000000000000-", &id));
}

static void leases_are_never_zero_and_have_16_digits(void **state)
{
    (void)state;
    char text[FM_ID_LEASE_SIZE];
    assert_true(fm_id_new_lease() != 0);
    assert_true(fm_id_new_lease() != fm_id_new_lease());
    fm_id_format_lease(0xabc, text);
    assert_string_equal(text, "0000000000000abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_rise_also_within_a_millisecond),
        cmocka_unit_test(a_series_rises_and_is_nobody_elses),
        cmocka_unit_test(two_threads_never_make_the_same_moment),
        cmocka_unit_test(an_id_is_a_uuid_of_version_7_that_carries_its_time),
        cmocka_unit_test(ids_survive_both_spellings),
        cmocka_unit_test(the_spelling_is_crockfords),
        cmocka_unit_test(other_spellings_are_refused),
        cmocka_unit_test(leases_are_never_zero_and_have_16_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
