#include "tests/unit/common/unit.h"

#include "cli/show.h"
#include "common/memory.h"

static struct fm_json *parse(const char *text)
{
    struct fm_json *json = NULL;
    assert_true(fm_json_parse(fm_slice_of(text), &json, NULL));
    return json;
}

static void line_is(const char *json_text, const char *expected)
{
    FM_AUTO(fm_json_destroy) struct fm_json *json = parse(json_text);
    FM_AUTO(fm_text_done) struct fm_text line = {0};
    struct fm_show_job job;
    fm_show_read(json, &job);
    fm_show_line(&job, &line);
    assert_string_equal(fm_text_get(&line), expected);
}

#define DOWNLOADING                                                                                \
    "{\"id\":\"job_1\",\"status\":\"running\",\"done\":false,\"progress\":{\"stage\":\"download\"" \
    ",\"percent\":41.5,\"downloaded_bytes\":1048576,\"total_bytes\":2526451,\"frames\":0,"         \
    "\"speed\":null,\"eta_seconds\":3}}"

static void a_running_job_is_one_line_of_its_stage(void **state)
{
    (void)state;
    line_is(DOWNLOADING, "download   42 %  1.0 of 2.5 MB  3 s left");
    line_is("{\"status\":\"running\",\"done\":false,\"progress\":{\"stage\":\"process\","
            "\"percent\":7,\"downloaded_bytes\":9,\"total_bytes\":9,\"frames\":120,\"speed\":2.25,"
            "\"eta_seconds\":95}}",
            "process    7 %  frame 120  2.2x  2 min left");
    line_is("{\"status\":\"running\",\"done\":false,\"progress\":{\"stage\":\"download\","
            "\"percent\":null,\"downloaded_bytes\":1500,\"total_bytes\":null,\"frames\":0,"
            "\"speed\":null,\"eta_seconds\":null}}",
            "download  1.5 kB");
}

static void a_waiting_job_says_why(void **state)
{
    (void)state;
    line_is("{\"status\":\"queued\",\"done\":false,\"progress\":{\"stage\":null,\"percent\":null},"
            "\"queue\":{\"reason\":\"retry\"}}",
            "queued (retry)");
    line_is("{\"status\":\"queued\",\"done\":false,\"progress\":null,\"queue\":null}", "queued");
}

static void an_ended_job_has_no_numbers(void **state)
{
    (void)state;
    line_is("{\"status\":\"succeeded\",\"done\":true,\"progress\":{\"percent\":100}}", "succeeded");
}

static void a_bar_fits_its_terminal(void **state)
{
    (void)state;
    FM_AUTO(fm_json_destroy) struct fm_json *json = parse(DOWNLOADING);
    struct fm_show_job job;
    fm_show_read(json, &job);
    FM_AUTO(fm_text_done) struct fm_text bar = {0};
    fm_show_bar(&job, 79, &bar);
    assert_string_equal(fm_text_get(&bar), "download  [##########--------------]   42 %  1.0 of "
                                           "2.5 MB  3 s left");
    for (unsigned columns = 1; columns < 79; columns++) {
        fm_text_clear(&bar);
        fm_show_bar(&job, columns, &bar);
        assert_true(bar.length <= columns);
    }
    fm_text_clear(&bar);
    fm_show_bar(&job, 50, &bar);
    assert_string_equal(fm_text_get(&bar), "download   42 %  1.0 of 2.5 MB  3 s left");
}

static void a_finished_job_lists_its_outputs(void **state)
{
    (void)state;
    FM_AUTO(fm_json_destroy)
    struct fm_json *json = parse(
        "{\"id\":\"job_1\",\"status\":\"succeeded\",\"done\":true,\"input\":{\"url\":\"http://a/b\""
        "},\"source\":{\"title\":\"Ebb \\u001b[2J\\u009b1m tide\",\"duration_seconds\":20.02},"
        "\"outputs\":[{\"name\":\"reel\",\"url\":\"http://h/v1/files/t/reel.mp4\",\"size_bytes\":"
        "12345678,\"duration_seconds\":20,\"video\":{\"codec\":\"h264\",\"width\":1280,"
        "\"height\":720,\"frame_rate\":29.97},\"audio\":{\"codec\":\"aac\",\"channels\":2,"
        "\"sample_rate\":48000}},{\"name\":\"cover\",\"url\":null,\"size_bytes\":512,"
        "\"duration_seconds\":null,\"video\":null,\"audio\":null}],\"error\":null}");
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_show_summary(json, &text);
    assert_string_equal(fm_text_get(&text),
                        "job_1  succeeded\n"
                        "  source  Ebb ?[2J??1m tide  20.0 s\n"
                        "  output  reel.mp4  12.3 MB  20.0 s  h264 1280x720 29.97 fps  "
                        "aac 48000 Hz 2 ch\n"
                        "          http://h/v1/files/t/reel.mp4\n"
                        "  output  cover  512 B\n"
                        "          no longer kept\n");
}

static void a_failed_job_says_what_went_wrong(void **state)
{
    (void)state;
    FM_AUTO(fm_json_destroy)
    struct fm_json *json =
        parse("{\"id\":\"job_1\",\"status\":\"failed\",\"done\":true,\"input\":{\"url\":"
              "\"http://a/b\"},\"source\":null,\"outputs\":[],\"error\":{\"code\":"
              "\"source_timeout\",\"message\":\"The source was too slow\",\"retryable\":true}}");
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_show_summary(json, &text);
    assert_string_equal(fm_text_get(&text),
                        "job_1  failed\n"
                        "  source  http://a/b\n"
                        "  error   The source was too slow (source_timeout; another try may "
                        "succeed)\n");
}

static void a_job_of_any_shape_is_survived(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "[]", "{}", "{\"outputs\":{\"a\":1},\"progress\":[],\"error\":{}}",
        "{\"outputs\":[1,null,{}],\"status\":5}",
        "{\"status\":\"running\",\"progress\":{\"percent\":1e9,\"downloaded_bytes\":-5}}"};
    for (size_t i = 0; i < FM_COUNT(shapes); i++) {
        FM_AUTO(fm_json_destroy) struct fm_json *json = parse(shapes[i]);
        FM_AUTO(fm_text_done) struct fm_text text = {0};
        struct fm_show_job job;
        fm_show_read(json, &job);
        fm_show_bar(&job, 79, &text);
        assert_true(text.length <= 79);
        fm_show_summary(json, &text);
    }
}

static void file_name_is(const char *output, const char *name, const char *expected)
{
    FM_AUTO(fm_json_destroy) struct fm_json *json = parse(output);
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_show_file_name(json, name, &text);
    assert_string_equal(fm_text_get(&text), expected);
}

static void a_file_name_is_never_a_path(void **state)
{
    (void)state;
    file_name_is("{\"name\":\"reel\",\"url\":\"http://h/f/reel.mp4?a=b.c\"}", NULL, "reel.mp4");
    file_name_is("{\"name\":\"../../etc/passwd\",\"url\":\"http://h/f/x.mp4\"}", NULL,
                 "_._.._etc_passwd.mp4");
    file_name_is("{\"name\":\".bashrc\",\"url\":\"http://h/f/x\"}", NULL, "_bashrc");
    file_name_is("{\"name\":\"\",\"url\":\"http://h/f/x.a/../b\"}", NULL, "output");
    file_name_is("{\"name\":\"a\",\"url\":\"http://h/f/x.mp4%2f..\"}", NULL, "a");
    file_name_is("{\"name\":\"a b\\nc\",\"url\":null}", NULL, "a_b_c");
    file_name_is("{\"name\":\"reel\",\"url\":\"http://h/f/reel.mp4\"}", "My film.mp4",
                 "My_film.mp4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_running_job_is_one_line_of_its_stage),
        cmocka_unit_test(a_waiting_job_says_why),
        cmocka_unit_test(an_ended_job_has_no_numbers),
        cmocka_unit_test(a_bar_fits_its_terminal),
        cmocka_unit_test(a_finished_job_lists_its_outputs),
        cmocka_unit_test(a_failed_job_says_what_went_wrong),
        cmocka_unit_test(a_job_of_any_shape_is_survived),
        cmocka_unit_test(a_file_name_is_never_a_path),
    };
    return cmocka_run_group_tests_name("cli/show", tests, NULL, NULL);
}
