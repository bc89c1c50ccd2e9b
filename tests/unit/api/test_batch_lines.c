/* cmocka wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "broker/api/batch_lines.h"
#include "common/memory.h"

/* The jobs that came out, a newline behind each. */
static bool note(void *context, struct fm_slice job, struct fm_error *err)
{
    struct fm_text *jobs = context;
    fm_text_append_bytes(jobs, job.data, job.length);
    fm_text_append_char(jobs, '\n');
    return strstr(fm_text_get(jobs), "refuse") == NULL ||
           fm_fail_param(err, FM_INVALID_PARAMETER, "x", "refused");
}

static enum fm_error_code feed(enum fm_batch_lines_form form, const char *body, size_t step,
                               struct fm_text *jobs, size_t *number)
{
    struct fm_batch_lines lines = {.form = form, .handle_job = note, .context = jobs};
    struct fm_error err = {0};
    size_t length = strlen(body);
    bool is_good = true;
    for (size_t at = 0; is_good && at < length; at += step) {
        struct fm_slice part = {body + at, at + step < length ? step : length - at};
        is_good = fm_batch_lines_feed(&lines, part, &err);
    }
    is_good = is_good && fm_batch_lines_end(&lines, &err);
    *number = lines.number;
    fm_batch_lines_done(&lines);
    assert_int_equal(is_good, err.code == FM_NONE);
    return err.code;
}

struct row {
    enum fm_batch_lines_form form;
    const char *body, *jobs;
    enum fm_error_code code;
    size_t number;
};

/* Whatever the parts. */
static void check(const struct row *row)
{
    for (size_t step = 1; step <= strlen(row->body) + 1; step++) {
        FM_AUTO(fm_text_done) struct fm_text jobs = {0};
        size_t number = 0;
        assert_int_equal(feed(row->form, row->body, step, &jobs, &number), row->code);
        assert_string_equal(fm_text_get(&jobs), row->jobs);
        assert_int_equal(number, row->number);
    }
}

static void lines_are_jobs_and_empty_ones_count(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {FM_BATCH_LINES_NDJSON, "", "", FM_NONE, 0},
        {FM_BATCH_LINES_NDJSON, "{1}", "{1}\n", FM_NONE, 1},
        {FM_BATCH_LINES_NDJSON, "{1}\n{2}\n", "{1}\n{2}\n", FM_NONE, 2},
        {FM_BATCH_LINES_NDJSON, "\n \r\n{1}\n\n\t{2}", "{1}\n\t{2}\n", FM_NONE, 5},
        {FM_BATCH_LINES_NDJSON, "{1}\nrefuse\n{3}", "{1}\nrefuse\n", FM_INVALID_PARAMETER, 2},
        {FM_BATCH_LINES_NDJSON, "{1}\n\nrefuse", "{1}\nrefuse\n", FM_INVALID_PARAMETER, 3},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        check(&rows[i]);
    }
}

static void elements_of_jobs_are_jobs(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {FM_BATCH_LINES_JSON, " ", "", FM_NONE, 0},
        {FM_BATCH_LINES_JSON, "{\"jobs\":[]}", "", FM_NONE, 0},
        {FM_BATCH_LINES_JSON, " { \"jobs\" : [ {\"a\":1} ,\n{\"b\":[{}]} ] } \n",
         "{\"a\":1}\n{\"b\":[{}]}\n", FM_NONE, 0},
        {FM_BATCH_LINES_JSON, "{\"jobs\":[{\"a\":\"}]\\\"{\\\\\"}]}", "{\"a\":\"}]\\\"{\\\\\"}\n",
         FM_NONE, 0},
        {FM_BATCH_LINES_JSON, "{\"jobs\":[{},{\"refuse\":1},{}]}", "{}\n{\"refuse\":1}\n",
         FM_INVALID_PARAMETER, 2},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        check(&rows[i]);
    }
}

static void another_skeleton_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {FM_BATCH_LINES_JSON, "[{}]", "", FM_INVALID_REQUEST, 0},
        {FM_BATCH_LINES_JSON, "{}", "", FM_INVALID_REQUEST, 0},
        {FM_BATCH_LINES_JSON, "{\"job\":[{}]}", "", FM_UNKNOWN_PARAMETER, 0},
        {FM_BATCH_LINES_JSON, "{\"jobs\":{}}", "", FM_INVALID_REQUEST, 0},
        {FM_BATCH_LINES_JSON, "{\"jobs\":[1]}", "", FM_INVALID_REQUEST, 1},
        {FM_BATCH_LINES_JSON, "{\"jobs\":[{},]}", "{}\n", FM_INVALID_REQUEST, 2},
        {FM_BATCH_LINES_JSON, "{\"jobs\":[{}{}]}", "{}\n", FM_INVALID_REQUEST, 1},
        {FM_BATCH_LINES_JSON, "{\"jobs\":[{}],\"more\":1}", "{}\n", FM_INVALID_REQUEST, 0},
        {FM_BATCH_LINES_JSON, "{\"jobs\":[{}]}x", "{}\n", FM_INVALID_REQUEST, 0},
        {FM_BATCH_LINES_JSON, "{\"jobs\":[{}]", "{}\n", FM_INVALID_JSON, 0},
        {FM_BATCH_LINES_JSON, "{\"jobs\":[{\"a\"", "", FM_INVALID_JSON, 1},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        check(&rows[i]);
    }
}

/* A body with one job of that many bytes. */
static char *body_with(enum fm_batch_lines_form form, size_t length)
{
    FM_AUTO(fm_text_done) struct fm_text body = {0};
    fm_text_append(&body, form == FM_BATCH_LINES_JSON ? "{\"jobs\":[{" : "{");
    for (size_t i = 0; i + 2 < length; i++) {
        fm_text_append_char(&body, 'x');
    }
    fm_text_append(&body, form == FM_BATCH_LINES_JSON ? "}]}" : "}\n");
    return fm_text_take(&body);
}

static void a_job_is_as_long_as_the_limit_and_no_longer(void **state)
{
    (void)state;
    static const size_t steps[] = {100, 4096, 1000000};
    static const enum fm_batch_lines_form forms[] = {FM_BATCH_LINES_NDJSON, FM_BATCH_LINES_JSON};
    for (size_t i = 0; i < 2 * FM_COUNT(steps); i++) {
        enum fm_batch_lines_form form = forms[i % 2];
        FM_AUTO(fm_text_done) struct fm_text jobs = {0}, none = {0};
        FM_AUTO_FREE char *fits = body_with(form, FM_BATCH_LINES_LIMIT);
        FM_AUTO_FREE char *larger = body_with(form, FM_BATCH_LINES_LIMIT + 1);
        size_t number = 0;
        assert_int_equal(feed(form, fits, steps[i / 2], &jobs, &number), FM_NONE);
        assert_int_equal(jobs.length, FM_BATCH_LINES_LIMIT + 1);
        assert_int_equal(feed(form, larger, steps[i / 2], &none, &number), FM_INVALID_REQUEST);
        assert_int_equal(none.length, 0);
        assert_int_equal(number, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_jobs_and_empty_ones_count),
        cmocka_unit_test(elements_of_jobs_are_jobs),
        cmocka_unit_test(another_skeleton_is_refused),
        cmocka_unit_test(a_job_is_as_long_as_the_limit_and_no_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
