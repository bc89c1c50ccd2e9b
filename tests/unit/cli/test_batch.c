/* The file of `batch submit` as it is sent, and a batch as it is shown. */
/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/batch_show.h"
#include "cli/batch_source.h"
#include "common/memory.h"

#define LINES "application/x-ndjson"
#define JSON "application/json"

/* A file with these bytes. */
static void write_file(char path[32], const char *bytes)
{
    snprintf(path, 32, "/tmp/test_batch_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
    close(fd);
}

static void read_all(struct fm_batch_source *source, size_t room, struct fm_text *sent)
{
    char part[4096];
    size_t length = 1;
    struct fm_error err = {0};
    while (length > 0) {
        assert_true(fm_batch_source_read(source, part, room, &length, &err));
        assert_true(length <= room);
        fm_text_append_bytes(sent, part, length);
    }
}

static void check(const char *bytes, const char *type, const char *wanted)
{
    static const size_t rooms[] = {1, 3, 4096};
    for (size_t i = 0; i < FM_COUNT(rooms); i++) {
        FM_AUTO(fm_batch_source_close) struct fm_batch_source *source = NULL;
        FM_AUTO(fm_text_done) struct fm_text sent = {0};
        struct fm_error err = {0};
        char path[32];
        int64_t read = 0, total = 0;
        write_file(path, bytes);
        assert_true(fm_batch_source_open(path, &source, &err));
        unlink(path);
        assert_string_equal(fm_batch_source_type(source), type);
        read_all(source, rooms[i], &sent);
        assert_string_equal(fm_text_get(&sent), wanted);
        fm_batch_source_progress(source, &read, &total);
        assert_int_equal(read, strlen(bytes));
        assert_int_equal(total, strlen(bytes));
    }
}

static void a_list_of_urls_becomes_a_job_a_line(void **state)
{
    (void)state;
    check("https://a/1\nhttps://a/2", LINES,
          "{\"url\":\"https://a/1\"}\n{\"url\":\"https://a/2\"}\n");
    check("\xef\xbb\xbfhttps://a/1\r\n", LINES, "{\"url\":\"https://a/1\"}\n");
    check("  https://a/\"1\" and more\n", LINES, "{\"url\":\"https://a/\\\"1\\\"\"}\n");
}

/* So that an error names the line of the file. */
static void lines_keep_their_numbers(void **state)
{
    (void)state;
    check("# mine\n\nhttps://a/1\n \n#x\nhttps://a/2\n", LINES,
          "\n\n{\"url\":\"https://a/1\"}\n\n\n{\"url\":\"https://a/2\"}\n");
    check("\n\nhttps://a/1\n", LINES, "\n\n{\"url\":\"https://a/1\"}\n");
    check("\n{\"url\":1}\n", LINES, "\n{\"url\":1}\n");
}

static void jobs_as_json_are_sent_as_they_stand(void **state)
{
    (void)state;
    check("{\"url\":\"a\"}\n\n{\"url\":\"b\"}", LINES, "{\"url\":\"a\"}\n\n{\"url\":\"b\"}");
    check("{\"jobs\":[{}]}", JSON, "{\"jobs\":[{}]}");
    check("{\n \"jobs\": [\n{}\n]\n}\n", JSON, "{\n \"jobs\": [\n{}\n]\n}\n");
    check("[{}]", JSON, "[{}]");
}

static void a_file_without_jobs_is_refused(void **state)
{
    (void)state;
    static const char *const files[] = {"", "\n \n"};
    for (size_t i = 0; i < FM_COUNT(files); i++) {
        struct fm_batch_source *source = NULL;
        struct fm_error err = {0};
        char path[32];
        write_file(path, files[i]);
        assert_false(fm_batch_source_open(path, &source, &err));
        assert_int_equal(err.code, FM_SETTING);
        assert_null(source);
        unlink(path);
    }
}

static void a_batch_is_shown_by_what_has_ended(void **state)
{
    (void)state;
    static const char text[] =
        "{\"id\":\"batch_1\",\"status\":\"running\",\"done\":false,\"percent\":50,\"jobs\":{"
        "\"total\":10,\"queued\":4,\"running\":1,\"succeeded\":3,\"failed\":2,\"canceled\":0}}";
    FM_AUTO(fm_text_done) struct fm_text summary = {0};
    FM_AUTO(fm_json_destroy) struct fm_json *json = NULL;
    struct fm_show_job shown;
    assert_true(fm_json_parse(fm_slice_of(text), &json, NULL));
    fm_batch_show_read(json, &shown);
    assert_string_equal(shown.stage, "5 of 10, 2 failed");
    assert_false(shown.is_done || shown.has_succeeded);
    assert_true(shown.percent == 50);
    fm_batch_show_summary(json, &summary);
    assert_string_equal(fm_text_get(&summary), "batch_1 running: 4 queued, 1 running, 3 succeeded, "
                                               "2 failed, of 10\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_urls_becomes_a_job_a_line),
        cmocka_unit_test(lines_keep_their_numbers),
        cmocka_unit_test(jobs_as_json_are_sent_as_they_stand),
        cmocka_unit_test(a_file_without_jobs_is_refused),
        cmocka_unit_test(a_batch_is_shown_by_what_has_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
