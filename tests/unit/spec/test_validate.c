#include "tests/unit/spec/posts.h"

static void the_documented_examples_are_taken_as_they_stand(void **state)
{
    (void)state;
    static const struct post posts[] = {
        {FM_TYPE_FETCH, "tiktok", "url=https://www.tiktok.com/@user/video/123", JSON, ""},
        {FM_TYPE_FETCH, "tiktok", "url=https://www.tiktok.com/@user/video/123", JSON, "{}"},
        {FM_TYPE_FETCH, "tiktok", "", JSON,
         "{\"url\": \"https://www.tiktok.com/@user/video/123\"}"},
        {FM_TYPE_FETCH, NULL, "url=https://www.tiktok.com/@user/video/123",
         "application/json; charset=utf-8", "{\"url\":\"https://www.tiktok.com/@user/video/123\"}"},
        {FM_TYPE_FETCH, "tiktok", "", FORM,
         "url=https%3A%2F%2Fwww.tiktok.com%2F%40user%2Fvideo%2F123"},
        {FM_TYPE_FETCH, "tiktok", "", FORM,
         " {\"url\":\"https://www.tiktok.com/@user/video/123\"}"},
        {FM_TYPE_FETCH, "tiktok", "", NULL,
         "{\"url\":\"https://www.tiktok.com/@user/video/123\",\"quality\":null}"},
    };
    for (size_t i = 0; i < FM_COUNT(posts); i++) {
        FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
        struct fm_validate_result result;
        struct fm_error err;
        assert_int_equal(validate(&posts[i], FM_SCOPE_FETCH, &arena, &result, &err), FM_NONE);
        assert_string_equal(result.spec.url, "https://www.tiktok.com/@user/video/123");
        assert_int_equal(result.spec.site, FM_SITE_TIKTOK);
        assert_int_equal(result.spec.outputs.count, 0);
        assert_int_equal(result.spec.max_attempts, 3);
        assert_int_equal(result.wait_seconds, FM_VALIDATE_NO_WAIT);
    }
}

static void a_process_job_takes_source_and_outputs(void **state)
{
    (void)state;
    static const struct post post = {
        FM_TYPE_PROCESS, NULL, NULL, JSON,
        "{\"source\":{\"url\":\"" URL "\"},\"outputs\":["
        "{\"name\":\"reel\",\"format\":\"mp4\",\"video\":{\"codec\":\"h264\",\"crf\":21,"
        "\"width\":1080,\"height\":1920,\"fit\":\"contain\"},"
        "\"audio\":{\"codec\":\"aac\",\"bitrate\":128000}},"
        "{\"name\":\"cover\",\"format\":\"jpg\",\"at_seconds\":4},"
        "{\"name\":\"sound\",\"format\":\"mp3\"}]}"};
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text packed = {0};
    struct fm_validate_result result;
    struct fm_error err;
    assert_int_equal(validate(&post, BOTH, &arena, &result, &err), FM_NONE);
    assert_int_equal(result.spec.type, FM_TYPE_PROCESS);
    assert_int_equal(result.spec.outputs.count, 3);
    const struct fm_spec_output *reel = fm_spec_output_at(&result.spec, 0);
    assert_int_equal(reel->video->height, 1920);
    assert_int_equal(reel->audio->bitrate, 128000);
    assert_true(fm_spec_output_at(&result.spec, 1)->at_seconds == 4);
    assert_int_equal(fm_spec_class(&result.spec), FM_CLASS_CPU);
    assert_true(fm_spec_write(&result.spec, &packed, &err));
}

static void strings_become_what_the_field_wants(void **state)
{
    (void)state;
    static const struct post posts[] = {
        {FM_TYPE_FETCH, "url", "", JSON,
         "{\"url\":\"" URL
         "\",\"max_attempts\":\"5\",\"priority\":\"HIGH\",\"timeout_seconds\":60.0,"
         "\"outputs\":[{\"format\":\"MP4\",\"video\":{\"width\":\"720\",\"crf\":\"18\"}}],"
         "\"wait\":\"8\"}"},
        {FM_TYPE_FETCH, "url", "max_attempts=5&priority=high&wait=8", FORM,
         "url=" URL "&timeout_seconds=60&outputs=%5B%7B%22format%22%3A%22mp4%22%2C%22video%22%3A%7B"
         "%22width%22%3A720%2C%22crf%22%3A18%7D%7D%5D"},
    };
    for (size_t i = 0; i < FM_COUNT(posts); i++) {
        FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
        struct fm_validate_result result;
        struct fm_error err;
        assert_int_equal(validate(&posts[i], BOTH, &arena, &result, &err), FM_NONE);
        assert_int_equal(result.spec.max_attempts, 5);
        assert_int_equal(result.spec.priority, FM_PRIORITY_HIGH);
        assert_int_equal(result.spec.timeout_seconds, 60);
        assert_int_equal(result.wait_seconds, 8);
        assert_int_equal(fm_spec_output_at(&result.spec, 0)->video->width, 720);
        assert_int_equal(fm_spec_output_at(&result.spec, 0)->video->crf, 18);
    }
}

static void objects_of_texts_become_pairs(void **state)
{
    (void)state;
    static const struct post post = {
        FM_TYPE_FETCH, "url", "", JSON,
        "{\"url\":\"" URL "\",\"metadata\":{\"invoice\":\"42\",\"customer\":\"\xc3\xa9\"},"
        "\"headers\":{\"Referer\":\"https://a.example/\"}}"};
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_validate_result result;
    struct fm_error err;
    assert_int_equal(validate(&post, BOTH, &arena, &result, &err), FM_NONE);
    const struct fm_spec_pair *pairs = result.spec.metadata.items;
    const struct fm_spec_header *headers = result.spec.headers.items;
    assert_int_equal(result.spec.metadata.count, 2);
    assert_string_equal(pairs[0].name, "invoice");
    assert_string_equal(pairs[0].value, "42");
    assert_string_equal(headers[0].name, "Referer");
}

static void unknown_names_are_told_the_nearest(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{FM_TYPE_FETCH, "url", "", JSON, "{\"ulr\":\"x\"}"},
         FM_UNKNOWN_PARAMETER,
         "ulr",
         "Did you mean url"},
        {{FM_TYPE_FETCH, "url", "qualty=best", NULL, ""},
         FM_UNKNOWN_PARAMETER,
         "qualty",
         "Did you mean quality"},
        {{FM_TYPE_FETCH, "url", "", JSON,
          "{\"url\":\"" URL "\",\"outputs\":[{\"format\":\"mp4\",\"video\":{\"widht\":1}}]}"},
         FM_UNKNOWN_PARAMETER,
         "outputs[0].video.widht",
         "Did you mean width"},
        {{FM_TYPE_FETCH, "url", "url=" URL "?x=1&y=2", NULL, ""},
         FM_UNKNOWN_PARAMETER,
         "y",
         "percent-encode the url"},
        {{FM_TYPE_FETCH, "url", "", JSON, "{\"type\":\"process\"}"},
         FM_UNKNOWN_PARAMETER,
         "type",
         NULL},
        {{FM_TYPE_FETCH, "url", "", JSON, "{\"site\":3}"}, FM_UNKNOWN_PARAMETER, "site", NULL},
        {{FM_TYPE_FETCH, "url", "", JSON, "{\"run_at_ms\":3}"},
         FM_UNKNOWN_PARAMETER,
         "run_at_ms",
         NULL},
        {{FM_TYPE_FETCH, "url", "", JSON, "{\"source\":{\"url\":\"" URL "\"}}"},
         FM_UNKNOWN_PARAMETER,
         "source",
         NULL},
        {{FM_TYPE_PROCESS, NULL, "", JSON, "{\"source\":{\"uri\":\"" URL "\"}}"},
         FM_UNKNOWN_PARAMETER,
         "source.uri",
         "Did you mean url"},
    };
    run_rows(rows, FM_COUNT(rows));
}

static void values_outside_their_range_name_path_and_range(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{FM_TYPE_FETCH, "url", "", JSON,
          "{\"url\":\"" URL "\",\"outputs\":[{\"format\":\"mp4\",\"video\":{\"width\":9000}}]}"},
         FM_INVALID_PARAMETER,
         "outputs[0].video.width",
         "from 0 to 8192"},
        {{FM_TYPE_FETCH, "url", "", JSON,
          "{\"url\":\"" URL "\",\"outputs\":[{\"format\":\"mp4\",\"video\":{\"width\":1.5}}]}"},
         FM_INVALID_PARAMETER,
         "outputs[0].video.width",
         "whole number"},
        {{FM_TYPE_FETCH, "url", "max_attempts=0&url=" URL, NULL, ""},
         FM_INVALID_PARAMETER,
         "max_attempts",
         "from 1 to 10"},
        {{FM_TYPE_FETCH, "url", "max_attempts=many&url=" URL, NULL, ""},
         FM_INVALID_PARAMETER,
         "max_attempts",
         "from 1 to 10"},
        {{FM_TYPE_FETCH, "url", "wait=61&url=" URL, NULL, ""},
         FM_INVALID_PARAMETER,
         "wait",
         "from 0 to 60"},
        {{FM_TYPE_FETCH, "url", "quality=4k&url=" URL, NULL, ""},
         FM_INVALID_PARAMETER,
         "quality",
         "best, 1080p, 720p, 480p, audio"},
        {{FM_TYPE_FETCH, "url", "", JSON, "{\"url\":5}"}, FM_INVALID_PARAMETER, "url", "text"},
        {{FM_TYPE_FETCH, "url", "", JSON, "{\"url\":\"" URL "\",\"outputs\":{}}"},
         FM_INVALID_PARAMETER,
         "outputs",
         "a list"},
        {{FM_TYPE_FETCH, "url", "", JSON, "{\"url\":\"" URL "\",\"outputs\":[5]}"},
         FM_INVALID_PARAMETER,
         "outputs[0]",
         "an object"},
        {{FM_TYPE_FETCH, "url", "", JSON, "{\"url\":\"" URL "\",\"metadata\":{\"a\":{}}}"},
         FM_INVALID_PARAMETER,
         "metadata.a",
         "text"},
        {{FM_TYPE_FETCH, "url", "", FORM, "url=" URL "&filename=%ff%fe"},
         FM_INVALID_PARAMETER,
         "filename",
         "text"},
        {{FM_TYPE_FETCH, "url", "", FORM, "url=" URL "&filename=a%2fb"},
         FM_INVALID_PARAMETER,
         "filename",
         "slashes"},
        {{FM_TYPE_FETCH, "url", "", FORM, "url=" URL "&filename=.."},
         FM_INVALID_PARAMETER,
         "filename",
         "begin with a dot"},
        {{FM_TYPE_FETCH, "url", "", JSON, "{\"url\":\"" URL "\",\"headers\":{\"Host\":\"b\"}}"},
         FM_INVALID_PARAMETER,
         "headers",
         "cannot be set"},
    };
    run_rows(rows, FM_COUNT(rows));
}

static void query_and_body_may_agree_but_not_differ(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{FM_TYPE_FETCH, "url", "url=" URL, JSON, "{\"url\":\"" URL "\"}"}, FM_NONE, NULL, NULL},
        {{FM_TYPE_FETCH, "url", "url=" URL, JSON, "{\"url\":\"" URL "2\"}"},
         FM_CONFLICTING_PARAMETERS,
         "url",
         NULL},
        {{FM_TYPE_FETCH, "url", "url=" URL "&priority=low", JSON, "{\"priority\":\"high\"}"},
         FM_CONFLICTING_PARAMETERS,
         "priority",
         NULL},
        {{FM_TYPE_FETCH, "url", "priority=low&priority=low&url=" URL, NULL, ""},
         FM_CONFLICTING_PARAMETERS,
         "priority",
         NULL},
    };
    run_rows(rows, FM_COUNT(rows));
}

static void bodies_that_are_no_object_are_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{FM_TYPE_FETCH, "url", "", JSON, "{\"url\":"}, FM_INVALID_JSON, NULL, "line 1"},
        {{FM_TYPE_FETCH, "url", "", JSON, "[]"}, FM_INVALID_REQUEST, NULL, NULL},
        {{FM_TYPE_FETCH, "url", "", JSON, "null"}, FM_INVALID_REQUEST, NULL, NULL},
        {{FM_TYPE_FETCH, "url", "", JSON, "{\"url\":\"a\",\"url\":\"b\"}"},
         FM_INVALID_JSON,
         NULL,
         NULL},
        {{FM_TYPE_FETCH, "url", "", "text/plain", "url=x"}, FM_UNSUPPORTED_MEDIA_TYPE, NULL, NULL},
        {{FM_TYPE_FETCH, "url", "", "multipart/form-data; boundary=x", "--x"},
         FM_UNSUPPORTED_MEDIA_TYPE,
         NULL,
         NULL},
    };
    run_rows(rows, FM_COUNT(rows));
}

static void a_raw_url_keeps_its_plus(void **state)
{
    (void)state;
    struct post post = {FM_TYPE_FETCH, "url", "url=https://a.example/a+b%2Bc", NULL, ""};
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_validate_result result;
    struct fm_error err;
    assert_int_equal(validate(&post, BOTH, &arena, &result, &err), FM_NONE);
    assert_string_equal(result.spec.url, "https://a.example/a+b+c");
}

static void a_url_with_a_control_byte_is_an_invalid_url(void **state)
{
    (void)state;
    static const struct post posts[] = {
        {FM_TYPE_FETCH, "url", "", JSON, "{\"url\":\"https://a.example/\\n/\"}"},
        {FM_TYPE_FETCH, "url", "url=https://a.example/%07", NULL, ""},
        {FM_TYPE_PROCESS, NULL, "", JSON,
         "{\"source\":{\"url\":\"https://a\\t.example/\"},\"outputs\":[{\"format\":\"mp3\"}]}"},
    };
    for (size_t i = 0; i < FM_COUNT(posts); i++) {
        FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
        struct fm_validate_result result;
        struct fm_error err;
        assert_int_equal(validate(&posts[i], BOTH, &arena, &result, &err), FM_INVALID_URL);
    }
}

static void a_download_is_asked_for_in_the_query_alone(void **state)
{
    (void)state;
    static const struct post asked = {FM_TYPE_FETCH, "url", "download=1&url=" URL, NULL, ""},
                             stray = {FM_TYPE_FETCH, "url", "url=" URL "?a=b&download=1", NULL, ""},
                             body = {FM_TYPE_FETCH, "url", "", JSON,
                                     "{\"url\":\"" URL "\",\"download\":true}"};
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    struct fm_validate_result result;
    struct fm_error err;
    assert_int_equal(validate(&asked, BOTH, &arena, &result, &err), FM_NONE);
    assert_true(result.wants_download);
    assert_int_equal(validate(&stray, BOTH, &arena, &result, &err), FM_UNKNOWN_PARAMETER);
    assert_int_equal(validate(&body, BOTH, &arena, &result, &err), FM_UNKNOWN_PARAMETER);
    assert_true(fm_validate_query("wait=3&download=true", true, &result, &err));
    assert_true(result.wants_download && result.wait_seconds == 3);
    assert_false(fm_validate_query("download=2", true, &result, &err));
    assert_false(fm_validate_query("download=1", false, &result, &err));
}

static void waits_are_read_from_query_and_prefer(void **state)
{
    (void)state;
    struct fm_validate_result result;
    struct fm_error err;
    assert_true(fm_validate_query("wait=30", true, &result, &err));
    assert_int_equal(result.wait_seconds, 30);
    assert_true(fm_validate_query("", true, &result, &err));
    assert_int_equal(result.wait_seconds, FM_VALIDATE_NO_WAIT);
    assert_false(fm_validate_query("wait=30", false, &result, &err));
    assert_false(fm_validate_query("wiat=30", true, &result, &err));
    assert_int_equal(err.code, FM_UNKNOWN_PARAMETER);
    assert_int_equal(fm_validate_prefer("wait=8"), 8);
    assert_int_equal(fm_validate_prefer("respond-async, Wait=90"), 60);
    assert_int_equal(fm_validate_prefer("await=8"), FM_VALIDATE_NO_WAIT);
    assert_int_equal(fm_validate_prefer(NULL), FM_VALIDATE_NO_WAIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_examples_are_taken_as_they_stand),
        cmocka_unit_test(a_process_job_takes_source_and_outputs),
        cmocka_unit_test(strings_become_what_the_field_wants),
        cmocka_unit_test(objects_of_texts_become_pairs),
        cmocka_unit_test(unknown_names_are_told_the_nearest),
        cmocka_unit_test(values_outside_their_range_name_path_and_range),
        cmocka_unit_test(query_and_body_may_agree_but_not_differ),
        cmocka_unit_test(bodies_that_are_no_object_are_refused),
        cmocka_unit_test(a_raw_url_keeps_its_plus),
        cmocka_unit_test(a_url_with_a_control_byte_is_an_invalid_url),
        cmocka_unit_test(a_download_is_asked_for_in_the_query_alone),
        cmocka_unit_test(waits_are_read_from_query_and_prefer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
