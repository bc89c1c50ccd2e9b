/* The batch's parts that need no database: its file, its object, who counts it. */
/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "broker/api/batch_cache.h"
#include "broker/db/batch_file.h"
#include "broker/spec/validate.h"
#include "common/json.h"
#include "common/memory.h"
#include "common/scope.h"

#define JOBS 3000

static void what_a_file_was_given_is_read_as_often_as_wanted(void **state)
{
    (void)state;
    FM_AUTO(fm_batch_file_destroy) struct fm_batch_file *file = NULL;
    struct fm_error err = {0};
    char spec[64];
    assert_true(fm_batch_file_new("/tmp", &file, &err));
    for (int i = 0; i < JOBS; i++) {
        int length = snprintf(spec, sizeof(spec), "spec %0*d", i % 40, i);
        struct fm_batch_job job = {.run_at_us = i, .lane = 2, .spec = {spec, (size_t)length}};
        snprintf(job.pool, sizeof(job.pool), "pool-%d", i);
        assert_true(fm_batch_file_add(file, &job, &err));
    }
    assert_int_equal(fm_batch_file_count(file), JOBS);
    for (int turn = 0; turn < 2; turn++) {
        assert_true(fm_batch_file_rewind(file, &err));
        for (int i = 0; i < JOBS; i++) {
            struct fm_batch_job job;
            char pool[32];
            snprintf(spec, sizeof(spec), "spec %0*d", i % 40, i);
            snprintf(pool, sizeof(pool), "pool-%d", i);
            assert_true(fm_batch_file_next(file, &job, &err));
            assert_true(fm_slice_equals(job.spec, spec));
            assert_string_equal(job.pool, pool);
            assert_int_equal(job.run_at_us, i);
        }
        struct fm_batch_job beyond;
        assert_false(fm_batch_file_next(file, &beyond, &err));
    }
}

static void a_file_in_no_place_is_an_error(void **state)
{
    (void)state;
    struct fm_batch_file *file = NULL;
    struct fm_error err = {0};
    assert_false(fm_batch_file_new("/nowhere/at/all", &file, &err));
    assert_int_equal(err.code, FM_SYSTEM);
    assert_null(file);
}

static void a_batch_is_what_became_of_its_jobs(void **state)
{
    (void)state;
    static const struct {
        struct fm_batch_view batch;
        const char *status;
        double percent;
    } rows[] = {
        {{.jobs = 4, .queued = 4}, "running", 0},
        {{.jobs = 4, .queued = 1, .running = 1, .failed = 2}, "running", 50},
        {{.jobs = 4, .queued = 1, .canceled = 3, .canceled_at_us = 5}, "running", 75},
        {{.jobs = 4, .succeeded = 4}, "succeeded", 100},
        {{.jobs = 4, .succeeded = 3, .failed = 1}, "failed", 100},
        {{.jobs = 4, .succeeded = 3, .canceled = 1}, "canceled", 100},
        {{.jobs = 4, .failed = 3, .canceled = 1}, "failed", 100},
        {{.jobs = 4, .failed = 3, .canceled = 1, .canceled_at_us = 5}, "canceled", 100},
        {{.jobs = 4, .succeeded = 2}, "succeeded", 100}, /* two were deleted */
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        FM_AUTO(fm_text_done) struct fm_text text = {0};
        FM_AUTO(fm_json_destroy) struct fm_json *json = NULL;
        fm_batch_view_write(&rows[i].batch, "http://a", &text);
        assert_true(fm_json_parse((struct fm_slice){text.data, text.length}, &json, NULL));
        assert_string_equal(fm_json_text(fm_json_get(json, "status")), rows[i].status);
        assert_int_equal(fm_json_bool(fm_json_get(json, "done")),
                         strcmp(rows[i].status, "running") != 0);
        assert_true(fm_json_double(fm_json_get(json, "percent")) == rows[i].percent);
    }
}

static void a_batch_is_counted_by_one_at_a_time(void **state)
{
    (void)state;
    FM_AUTO(fm_batch_cache_destroy) struct fm_batch_cache *cache = fm_batch_cache_new();
    struct fm_id account = fm_id_new(), other = fm_id_new(), id = fm_id_new();
    struct fm_batch_view found, batch = {.id = id, .jobs = 7};
    assert_int_equal(fm_batch_cache_look_up(cache, &account, &id, &found), FM_BATCH_CACHE_ASK);
    assert_int_equal(fm_batch_cache_look_up(cache, &account, &id, &found), FM_BATCH_CACHE_WAIT);
    fm_batch_cache_put(cache, &account, &batch);
    assert_int_equal(fm_batch_cache_look_up(cache, &account, &id, &found), FM_BATCH_CACHE_KNOWN);
    assert_int_equal(found.jobs, 7);
    assert_int_equal(fm_batch_cache_look_up(cache, &other, &id, &found), FM_BATCH_CACHE_ASK);
    fm_batch_cache_forget(cache, &id);
    assert_int_equal(fm_batch_cache_look_up(cache, &account, &id, &found), FM_BATCH_CACHE_ASK);
}

static enum fm_error_code validate(const char *body, unsigned scopes, struct fm_arena *arena,
                                   struct fm_spec *spec)
{
    static const struct fm_address_policy policy;
    struct fm_validate_input input = {.body = fm_slice_of(body),
                                      .scopes = scopes,
                                      .policy = &policy,
                                      .now_ms = INT64_C(1800000000000)};
    struct fm_validate_result result;
    struct fm_error err = {0};
    bool is_good = fm_validate_job(&input, arena, &result, &err);
    *spec = result.spec;
    assert_int_equal(is_good, err.code == FM_NONE);
    return err.code;
}

static void a_job_says_itself_of_what_kind_it_is(void **state)
{
    (void)state;
    static const unsigned all = FM_SCOPE_FETCH | FM_SCOPE_PROCESS;
#define OUTPUTS ",\"outputs\":[{\"format\":\"mp3\"}]}"
    static const struct {
        const char *body;
        unsigned scopes;
        enum fm_error_code code;
        enum fm_type type;
        enum fm_site site;
    } rows[] = {
        {"{\"url\":\"https://example.com/a\"}", all, FM_NONE, FM_TYPE_FETCH, FM_SITE_URL},
        {"{\"url\":\"https://youtu.be/a\"}", all, FM_NONE, FM_TYPE_FETCH, FM_SITE_YOUTUBE},
        {"{\"url\":\"https://youtu.be/a\",\"site\":\"youtube\",\"type\":\"fetch\"}", all, FM_NONE,
         FM_TYPE_FETCH, FM_SITE_YOUTUBE},
        {"{\"url\":\"https://a.com/a\",\"site\":null,\"type\":null}", all, FM_NONE, FM_TYPE_FETCH,
         FM_SITE_URL},
        {"{\"source\":{\"url\":\"https://a.com/a\"}" OUTPUTS, all, FM_NONE, FM_TYPE_PROCESS,
         FM_SITE_URL},
        {"{\"type\":\"process\",\"url\":\"https://a.com/a\"" OUTPUTS, all, FM_NONE, FM_TYPE_PROCESS,
         FM_SITE_URL},
        {"{\"url\":\"https://a.com/a\"" OUTPUTS, all, FM_NONE, FM_TYPE_FETCH, FM_SITE_URL},
        {"{\"url\":\"https://a.com/a\"" OUTPUTS, FM_SCOPE_FETCH, FM_INSUFFICIENT_SCOPE, 0, 0},
        {"{\"source\":{\"url\":\"https://a.com/a\"}" OUTPUTS, FM_SCOPE_FETCH, FM_INSUFFICIENT_SCOPE,
         0, 0},
        {"{\"url\":\"https://a.com/a\"}", FM_SCOPE_PROCESS, FM_INSUFFICIENT_SCOPE, 0, 0},
        {"{\"type\":\"fetch\",\"source\":{\"url\":\"https://a.com/a\"}}", all, FM_UNKNOWN_PARAMETER,
         0, 0},
        {"{\"url\":\"https://a.com/a\",\"type\":7}", all, FM_INVALID_PARAMETER, 0, 0},
        {"{\"url\":\"https://a.com/a\",\"site\":\"nowhere\"}", all, FM_NOT_FOUND, 0, 0},
        {"{\"url\":\"https://a.com/a\",\"wait\":1}", all, FM_UNKNOWN_PARAMETER, 0, 0},
        {"[]", all, FM_INVALID_REQUEST, 0, 0},
        {"7", all, FM_INVALID_REQUEST, 0, 0},
        {"{", all, FM_INVALID_JSON, 0, 0},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
        struct fm_spec spec;
        assert_int_equal(validate(rows[i].body, rows[i].scopes, &arena, &spec), rows[i].code);
        if (rows[i].code == FM_NONE) {
            assert_int_equal(spec.type, rows[i].type);
            assert_int_equal(spec.site, rows[i].site);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_file_was_given_is_read_as_often_as_wanted),
        cmocka_unit_test(a_file_in_no_place_is_an_error),
        cmocka_unit_test(a_batch_is_what_became_of_its_jobs),
        cmocka_unit_test(a_batch_is_counted_by_one_at_a_time),
        cmocka_unit_test(a_job_says_itself_of_what_kind_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
