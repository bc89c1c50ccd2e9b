#include "tests/unit/common/unit.h"

#include <string.h>

#include "broker/api/list_filter.h"
#include "broker/db/db.h"

static struct fm_arena arena;

static int clear(void **state)
{
    (void)state;
    fm_arena_done(&arena);
    return 0;
}

static void expect_same(const struct fm_text *array, const struct fm_text *want)
{
    assert_int_equal(array->length, want->length);
    assert_memory_equal(array->data, want->data, want->length);
}

static void nothing_asked_is_the_newest_twenty(void **state)
{
    (void)state;
    struct fm_list_filter filter;
    struct fm_error err = {0};
    assert_true(fm_list_filter_jobs("", &arena, &filter, &err));
    assert_int_equal(filter.asked.limit, 20);
    assert_false(filter.has_states || filter.has_type || filter.has_site || filter.has_key);
    assert_true(fm_id_is_zero(&filter.from));
    assert_int_equal(filter.below.bytes[0], 0xff);
}

static void several_states_are_an_array(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text array = {0}, want = {0};
    struct fm_list_filter filter;
    struct fm_error err = {0};
    assert_true(fm_list_filter_jobs("status=failed,queued", &arena, &filter, &err));
    fm_list_filter_states(&filter, &array);
    fm_db_array_open(&want, FM_DB_SMALLINT);
    fm_db_array_number(&want, FM_STATE_QUEUED);
    fm_db_array_number(&want, FM_STATE_FAILED);
    expect_same(&array, &want);
}

static void the_cursor_and_the_time_bound_the_ids_together(void **state)
{
    (void)state;
    struct fm_list_filter filter;
    struct fm_error err = {0};
    char cursor[FM_ID_TEXT_SIZE], query[128];
    struct fm_id late = fm_id_floor(INT64_C(1900000000000));
    fm_id_format(FM_ID_JOB, &late, cursor);
    snprintf(query, sizeof(query), "created_before=2001-01-01T00:00:00Z&cursor=%s", cursor);
    assert_true(fm_list_filter_jobs(query, &arena, &filter, &err));
    assert_int_equal(fm_id_time_ms(&filter.below), INT64_C(978307200000));
}

static void words_are_asked_as_the_database_writes_them(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text array = {0}, want = {0};
    struct fm_list_filter filter;
    struct fm_error err = {0};
    assert_true(fm_list_filter_jobs("text=Caf%C3%A9&metadata[K]=a%5Cb", &arena, &filter, &err));
    fm_list_filter_words(&filter, &array);
    fm_db_array_open(&want, FM_DB_TEXT);
    fm_db_array_text(&want, "caf\\303\\251");
    fm_db_array_text(&want, "k");
    fm_db_array_text(&want, "a\\\\b");
    expect_same(&array, &want);
}

static void a_wrong_value_names_its_parameter(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"status=done", "status"},
        {"status=queued,", NULL},
        {"type=x", "type"},
        {"site=nowhere", "site"},
        {"key=key_1", "key"},
        {"batch=job_1", "batch"},
        {"limit=101", "limit"},
        {"cursor=job_1", "cursor"},
        {"created_after=x", "created_after"},
        {"metadata[=1", "metadata"},
        {"colour=red", "colour"},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        struct fm_list_filter filter;
        struct fm_error err = {0};
        assert_int_equal(fm_list_filter_jobs(rows[i][0], &arena, &filter, &err),
                         rows[i][1] == NULL);
        if (rows[i][1] != NULL) {
            assert_string_equal(err.param, rows[i][1]);
        }
    }
}

static void nine_pairs_are_too_many(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text query = {0};
    struct fm_list_filter filter;
    struct fm_error err = {0};
    for (int i = 0; i < FM_LIST_FILTER_PAIRS; i++) {
        fm_text_format(&query, "metadata[k%d]=v&", i);
    }
    assert_true(fm_list_filter_jobs(fm_text_get(&query), &arena, &filter, &err));
    fm_text_append(&query, "metadata[more]=v");
    assert_false(fm_list_filter_jobs(fm_text_get(&query), &arena, &filter, &err));
}

#define TEST(name) cmocka_unit_test_teardown(name, clear)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(nothing_asked_is_the_newest_twenty),
        TEST(several_states_are_an_array),
        TEST(the_cursor_and_the_time_bound_the_ids_together),
        TEST(words_are_asked_as_the_database_writes_them),
        TEST(a_wrong_value_names_its_parameter),
        TEST(nine_pairs_are_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
