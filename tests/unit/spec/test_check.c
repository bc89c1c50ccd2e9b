#include "tests/unit/spec/posts.h"

static void outputs_get_names_of_their_own(void **state)
{
    (void)state;
    static const struct post post = {
        FM_TYPE_FETCH, "url", "", JSON,
        "{\"url\":\"" URL "\",\"outputs\":[{\"format\":\"mp4\"},{\"format\":\"mp3\"},"
        "{\"format\":\"mp4\"},{\"name\":\"mp4-2\",\"format\":\"jpg\"},{\"format\":\"gif\"}]}"};
    static const char *const names[] = {"mp4", "mp3", "mp4-3", "mp4-2", "gif"};
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_validate_result result;
    struct fm_error err;
    assert_int_equal(validate(&post, BOTH, &arena, &result, &err), FM_NONE);
    for (size_t i = 0; i < FM_COUNT(names); i++) {
        assert_string_equal(fm_spec_output_at(&result.spec, i)->name, names[i]);
    }
}

static void the_url_must_be_one_and_belong_to_the_site(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{FM_TYPE_FETCH, "url", "", JSON, "{}"}, FM_MISSING_PARAMETER, "url", NULL},
        {{FM_TYPE_FETCH, "url", "url=", NULL, ""}, FM_MISSING_PARAMETER, "url", NULL},
        {{FM_TYPE_FETCH, "url", "url=ftp://a.example/b", NULL, ""}, FM_INVALID_URL, "url", NULL},
        {{FM_TYPE_FETCH, "url", "url=https://u:p@a.example/b", NULL, ""},
         FM_INVALID_URL,
         "url",
         NULL},
        {{FM_TYPE_FETCH, "tiktok", "url=" URL, NULL, ""}, FM_SITE_MISMATCH, "url", "tiktok"},
        {{FM_TYPE_FETCH, "tiktok", "url=https://eviltiktok.com/a", NULL, ""},
         FM_SITE_MISMATCH,
         "url",
         NULL},
        {{FM_TYPE_FETCH, "nowhere", "url=" URL, NULL, ""}, FM_NOT_FOUND, "site", "tiktok"},
        {{FM_TYPE_FETCH, "nowhere", "", NULL, ""}, FM_NOT_FOUND, "site", "streamable and url"},
        {{FM_TYPE_FETCH, "url", "url=http://127.0.0.1/a", NULL, ""},
         FM_URL_NOT_ALLOWED,
         "url",
         NULL},
        {{FM_TYPE_FETCH, "url", "url=http://2130706433/a", NULL, ""},
         FM_URL_NOT_ALLOWED,
         "url",
         NULL},
        {{FM_TYPE_FETCH, "url", "url=http://[::ffff:10.0.0.1]/a", NULL, ""},
         FM_URL_NOT_ALLOWED,
         "url",
         NULL},
        {{FM_TYPE_PROCESS, NULL, "", JSON, "{\"outputs\":[{\"format\":\"mp3\"}]}"},
         FM_MISSING_PARAMETER,
         "source.url",
         NULL},
        {{FM_TYPE_PROCESS, NULL, "", JSON, "{\"source\":{\"job\":\"job_x\",\"output\":\"a\"}}"},
         FM_INVALID_PARAMETER,
         "source",
         "not supported yet"},
        {{FM_TYPE_PROCESS, NULL, "", JSON, "{\"source\":[{\"url\":\"" URL "\"}]}"},
         FM_INVALID_PARAMETER,
         "source",
         NULL},
    };
    run_rows(rows, FM_COUNT(rows));
}

static void an_allowed_private_address_is_taken(void **state)
{
    (void)state;
    struct post post = {FM_TYPE_FETCH, "url", "url=http://127.0.0.1:9999/a", NULL, ""};
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_validate_result result;
    struct fm_error err;
    assert_int_equal(validate(&post, BOTH, &arena, &result, &err), FM_URL_NOT_ALLOWED);
    assert_true(
        fm_address_rules_parse("127.0.0.1/32:9999", &policy.allow, &policy.allow_count, &err));
    assert_int_equal(validate(&post, BOTH, &arena, &result, &err), FM_NONE);
    fm_address_policy_done(&policy);
    policy = (struct fm_address_policy){0};
}

static void outputs_must_fit_together(void **state)
{
    (void)state;
#define OUTPUTS(text) FM_ROW(FM_TYPE_FETCH, "url", "url=" URL, JSON, "{\"outputs\":[" text "]}")
    static const struct row rows[] = {
        {OUTPUTS("{\"format\":\"hls\"}"), FM_UNSUPPORTED_FORMAT, "outputs[0].format", "mp3"},
        {OUTPUTS("{\"format\":\"mp3\",\"video\":{\"codec\":\"h264\"}}"), FM_INVALID_PARAMETER,
         "outputs[0].video.codec", NULL},
        {OUTPUTS("{\"format\":\"mp3\",\"video\":{\"codec\":\"none\"}}"), FM_NONE, NULL, NULL},
        {OUTPUTS("{\"format\":\"mp4\",\"audio\":{\"codec\":\"none\"}}"), FM_NONE, NULL, NULL},
        {OUTPUTS("{\"format\":\"mp4\",\"video\":{\"codec\":\"copy\"}}"), FM_NONE, NULL, NULL},
        {OUTPUTS("{\"format\":\"mp4\",\"video\":{\"codec\":\"jpeg\"}}"), FM_INVALID_PARAMETER,
         "outputs[0].video.codec", NULL},
        {OUTPUTS("{\"format\":\"jpg\",\"video\":{\"codec\":\"copy\"}}"), FM_INVALID_PARAMETER,
         "outputs[0].video.codec", NULL},
        {OUTPUTS("{\"format\":\"mp3\",\"audio\":{\"codec\":\"none\"}}"), FM_INVALID_PARAMETER,
         "outputs[0].format", NULL},
        {OUTPUTS("{\"format\":\"copy\",\"video\":{\"width\":5}}"), FM_INVALID_PARAMETER,
         "outputs[0].video", NULL},
        {OUTPUTS("{\"format\":\"jpg\"},{\"format\":\"copy\"}"), FM_INVALID_PARAMETER,
         "outputs[1].format", "only output"},
        {OUTPUTS("{\"format\":\"mp4\",\"at_seconds\":5}"), FM_INVALID_PARAMETER,
         "outputs[0].at_seconds", NULL},
        {OUTPUTS("{\"format\":\"webm\",\"video\":{\"codec\":\"h264\"}}"), FM_INVALID_PARAMETER,
         "outputs[0].video.codec", NULL},
        {OUTPUTS("{\"format\":\"wav\",\"audio\":{\"codec\":\"pcm\"}}"), FM_NONE, NULL, NULL},
        {OUTPUTS("{\"audio\":{\"normalize_lufs\":-14}}"), FM_UNKNOWN_PARAMETER,
         "outputs[0].audio.normalize_lufs", NULL},
        {OUTPUTS("{\"name\":\"A\"}"), FM_INVALID_PARAMETER, "outputs[0].name", NULL},
        {OUTPUTS("{\"name\":\"a\"},{\"name\":\"a\"}"), FM_INVALID_PARAMETER, "outputs[1].name",
         NULL},
        {{FM_TYPE_PROCESS, NULL, "", JSON, "{\"source\":{\"url\":\"" URL "\"}}"},
         FM_MISSING_PARAMETER,
         "outputs",
         NULL},
        {{FM_TYPE_PROCESS, NULL, "", JSON, "{\"source\":{\"url\":\"" URL "\"},\"outputs\":[]}"},
         FM_MISSING_PARAMETER,
         "outputs",
         NULL},
    };
    run_rows(rows, FM_COUNT(rows));
}

static void a_box_that_is_filled_has_two_sides(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {OUTPUTS("{\"video\":{\"fit\":\"cover\",\"width\":90,\"height\":160}}"), FM_NONE, NULL,
         NULL},
        {OUTPUTS("{\"video\":{\"fit\":\"contain\",\"width\":90}}"), FM_NONE, NULL, NULL},
        {OUTPUTS("{\"video\":{\"fit\":\"cover\",\"width\":90}}"), FM_MISSING_PARAMETER,
         "outputs[0].video.height", "fit cover"},
        {OUTPUTS("{\"video\":{\"fit\":\"pad\"}}"), FM_MISSING_PARAMETER, "outputs[0].video.width",
         NULL},
        {OUTPUTS("{\"video\":{\"fit\":\"squeeze\"}}"), FM_INVALID_PARAMETER, "outputs[0].video.fit",
         "cover"},
        {OUTPUTS("{\"video\":{\"codec\":\"copy\",\"height\":90}}"), FM_INVALID_PARAMETER,
         "outputs[0].video.height", "copy"},
    };
    run_rows(rows, FM_COUNT(rows));
}

/* No encoder can do what is refused, each can do the least that is taken. */
static void what_no_encoder_can_do_is_refused_at_once(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {OUTPUTS("{\"video\":{\"preset\":\"quickly\"}}"), FM_INVALID_PARAMETER,
         "outputs[0].video.preset", "one of ultrafast"},
        {OUTPUTS("{\"video\":{\"preset\":\"\"}}"), FM_INVALID_PARAMETER, "outputs[0].video.preset",
         "placebo"},
        {OUTPUTS("{\"video\":{\"preset\":\"VeryFast\"}}"), FM_NONE, NULL, NULL},
        {OUTPUTS("{\"video\":{\"bitrate\":999}}"), FM_INVALID_PARAMETER, "outputs[0].video.bitrate",
         "from 1000 to 100000000, or 0"},
        {OUTPUTS("{\"video\":{\"bitrate\":1000}}"), FM_NONE, NULL, NULL},
        {OUTPUTS("{\"video\":{\"bitrate\":0}}"), FM_NONE, NULL, NULL},
        {OUTPUTS("{\"audio\":{\"bitrate\":1}}"), FM_INVALID_PARAMETER, "outputs[0].audio.bitrate",
         "from 500 to 512000, or 0"},
        {OUTPUTS("{\"audio\":{\"bitrate\":\"500\"}}"), FM_NONE, NULL, NULL},
        {OUTPUTS("{\"format\":\"wav\",\"audio\":{\"sample_rate\":7}}"), FM_INVALID_PARAMETER,
         "outputs[0].audio.sample_rate", "from 8000 to 96000, or 0"},
        {OUTPUTS("{\"format\":\"wav\",\"audio\":{\"sample_rate\":8000}}"), FM_NONE, NULL, NULL},
    };
    run_rows(rows, FM_COUNT(rows));
}

static void a_part_ends_behind_its_start(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {OUTPUTS("{\"trim\":{\"start_seconds\":3.2,\"end_seconds\":18,\"accuracy\":\"exact\"}}"),
         FM_NONE, NULL, NULL},
        {OUTPUTS("{\"trim\":{\"start_seconds\":3.2}}"), FM_NONE, NULL, NULL},
        {OUTPUTS("{\"trim\":{\"start_seconds\":3.2,\"end_seconds\":3.2}}"), FM_INVALID_PARAMETER,
         "outputs[0].trim.end_seconds", NULL},
        {OUTPUTS("{\"trim\":{\"start_seconds\":3.2,\"end_seconds\":0}}"), FM_INVALID_PARAMETER,
         "outputs[0].trim.end_seconds", NULL},
        {OUTPUTS("{\"trim\":{\"start_seconds\":-1}}"), FM_INVALID_PARAMETER,
         "outputs[0].trim.start_seconds", NULL},
        {OUTPUTS("{\"trim\":{\"begin\":1}}"), FM_UNKNOWN_PARAMETER, "outputs[0].trim.begin", NULL},
        {OUTPUTS("{\"trim\":{\"accuracy\":\"rough\"}}"), FM_INVALID_PARAMETER,
         "outputs[0].trim.accuracy", "keyframe"},
        {OUTPUTS("{\"video\":{\"codec\":\"copy\"},\"trim\":{\"end_seconds\":1}}"),
         FM_INVALID_PARAMETER, "outputs[0].trim.accuracy", "keyframe"},
        {OUTPUTS("{\"video\":{\"codec\":\"copy\"},"
                 "\"trim\":{\"end_seconds\":1,\"accuracy\":\"keyframe\"}}"),
         FM_NONE, NULL, NULL},
        {OUTPUTS("{\"format\":\"copy\",\"trim\":{\"end_seconds\":1}}"), FM_INVALID_PARAMETER,
         "outputs[0].trim", NULL},
    };
    run_rows(rows, FM_COUNT(rows));
}

static void outputs_of_a_fetch_need_the_other_scope(void **state)
{
    (void)state;
    struct post post = OUTPUTS("{\"format\":\"mp3\"}");
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_validate_result result;
    struct fm_error err;
    assert_int_equal(validate(&post, FM_SCOPE_FETCH, &arena, &result, &err), FM_INSUFFICIENT_SCOPE);
    assert_non_null(strstr(fm_error_text(&err), "video:process"));
}

static void run_at_is_a_time_within_thirty_days(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{FM_TYPE_FETCH, "url", "url=" URL "&run_at=2027-02-01T00:00:00Z", NULL, ""},
         FM_NONE,
         NULL,
         NULL},
        {{FM_TYPE_FETCH, "url", "url=" URL "&run_at=2027-03-01T00:00:00Z", NULL, ""},
         FM_INVALID_PARAMETER,
         "run_at",
         "30 days"},
        {{FM_TYPE_FETCH, "url", "url=" URL "&run_at=tomorrow", NULL, ""},
         FM_INVALID_PARAMETER,
         "run_at",
         NULL},
        {{FM_TYPE_FETCH, "url", "url=" URL, JSON, "{\"run_at\":5}"},
         FM_INVALID_PARAMETER,
         "run_at",
         NULL},
    };
    struct post past = {FM_TYPE_FETCH, "url", "url=" URL "&run_at=2020-01-01T00:00:00Z", NULL, ""};
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_validate_result result;
    struct fm_error err;
    run_rows(rows, FM_COUNT(rows));
    assert_int_equal(validate(&past, BOTH, &arena, &result, &err), FM_NONE);
    assert_int_equal(result.spec.run_at_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_url_must_be_one_and_belong_to_the_site),
        cmocka_unit_test(an_allowed_private_address_is_taken),
        cmocka_unit_test(outputs_must_fit_together),
        cmocka_unit_test(a_box_that_is_filled_has_two_sides),
        cmocka_unit_test(what_no_encoder_can_do_is_refused_at_once),
        cmocka_unit_test(a_part_ends_behind_its_start),
        cmocka_unit_test(outputs_of_a_fetch_need_the_other_scope),
        cmocka_unit_test(run_at_is_a_time_within_thirty_days),
        cmocka_unit_test(outputs_get_names_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
