#include "tests/unit/common/unit.h"

#include "common/door_head.h"
#include "common/memory.h"

static struct fm_door_head head;

static int forget(void **state)
{
    (void)state;
    fm_door_head_done(&head);
    return 0;
}

/* Lines divided by '|'; a status line goes before, the empty line behind. */
static void read_head(const char *path, const char *lines)
{
    FM_AUTO_FREE char *copy = fm_strdup(lines);
    char *rest = copy;
    char *line = NULL;
    fm_door_head_done(&head);
    fm_door_head_init(&head, path);
    fm_door_head_parse_line(&head, "HTTP/1.1 200 OK\r\n", 17);
    while ((line = strsep(&rest, "|")) != NULL) {
        if (line[0] != '\0') {
            fm_door_head_parse_line(&head, line, strlen(line));
        }
    }
    fm_door_head_parse_line(&head, "\r\n", 2);
}

static void expect_name(const char *path, const char *disposition, const char *expected)
{
    char line[512] = "";
    if (disposition != NULL) {
        snprintf(line, sizeof(line), "Content-Disposition: %s", disposition);
    }
    read_head(path, line);
    assert_string_equal(head.answer.file_name, expected);
}

static void a_file_is_named_by_the_answer_else_by_the_path(void **state)
{
    (void)state;
    expect_name("/a/clip%20one.mp4", NULL, "clip one.mp4");
    expect_name("/a/", NULL, "");
    expect_name("/a/..", NULL, "");
    expect_name("/a%2f..%2fpasswd", NULL, "passwd");
    expect_name("/x", "attachment; filename=\"a b.mp4\"", "a b.mp4");
    expect_name("/x", "attachment; filename=plain.mp4; size=3", "plain.mp4");
    expect_name("/x", "attachment; filename=\"q\\\"uote.mp4\"", "q\"uote.mp4");
    expect_name("/x", "attachment; filename=\"old.mp4\"; filename*=UTF-8''n%C3%BC.mp4",
                "n\xc3\xbc.mp4");
    expect_name("/x", "attachment; filename*=UTF-8''new.mp4; filename=old.mp4", "new.mp4");
    expect_name("/x", "inline", "x");
    expect_name("/x", "attachment; filename=\"../../etc/passwd\"", "passwd");
    expect_name("/x", "attachment; filename=\"C:\\\\dir\\\\f.mp4\"", "f.mp4");
    expect_name("/x", "attachment; filename=\"..\"", "");
    expect_name("/x", "attachment; filename=\"unended", "unended");
    expect_name("/x", "attachment; filename*=broken", "x");
    expect_name("/x", "attachment; filename*=UTF-8''a%00b", "x");
    expect_name("/x", ";;;=;\"", "x");
}

static void lengths_must_agree(void **state)
{
    (void)state;
    read_head("/", "Content-Length: 5|content-length: 5");
    assert_false(head.is_refused);
    assert_int_equal(head.answer.length_bytes, 5);
    read_head("/", "Content-Length: 7, 7");
    assert_int_equal(head.answer.length_bytes, 7);
    static const char *const wrong[] = {
        "Content-Length: 5|Content-Length: 6",
        "Content-Length: 5, 6",
        "Content-Length: -1",
        "Content-Length: +5",
        "Content-Length: 5x",
        "Content-Length:",
        "Content-Length: 9223372036854775808",
        "Content-Length: 0x5",
    };
    for (size_t i = 0; i < FM_COUNT(wrong); i++) {
        read_head("/", wrong[i]);
        assert_true(head.is_refused);
    }
}

static void a_coded_or_chunked_body_has_no_length(void **state)
{
    (void)state;
    read_head("/", "Content-Length: 5|Content-Encoding: gzip");
    assert_int_equal(head.answer.length_bytes, -1);
    assert_int_equal(head.announced_bytes, 5);
    read_head("/", "Transfer-Encoding: chunked|Content-Length: 5");
    assert_int_equal(head.answer.length_bytes, -1);
    assert_int_equal(head.announced_bytes, -1);
    read_head("/", "Content-Length: 5|Content-Encoding: identity");
    assert_int_equal(head.answer.length_bytes, 5);
}

static void an_interim_answer_is_no_answer_and_trailers_change_nothing(void **state)
{
    (void)state;
    fm_door_head_init(&head, "/");
    fm_door_head_parse_line(&head, "HTTP/1.1 100 Continue\r\n", 23);
    fm_door_head_parse_line(&head, "\r\n", 2);
    assert_false(head.is_complete);
    fm_door_head_parse_line(&head, "HTTP/1.1 200 OK\r\n", 17);
    fm_door_head_parse_line(&head, "\r\n", 2);
    assert_true(head.is_complete);
    fm_door_head_parse_line(&head, "HTTP/1.1 500 No\r\n", 17);
    fm_door_head_parse_line(&head, "ETag: x\r\n", 9);
    assert_int_equal(head.answer.status, 200);
    assert_string_equal(head.answer.etag, "");
}

static void a_head_has_an_end(void **state)
{
    (void)state;
    fm_door_head_init(&head, "/");
    for (int i = 0; i < 10000 && !head.is_refused; i++) {
        fm_door_head_parse_line(&head, "HTTP/1.1 100 Continue\r\n", 23);
    }
    assert_true(head.is_refused);
    assert_true(head.size_bytes <= FM_DOOR_HEAD_LIMIT + 23);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    (void)state;
    read_head("/", "Retry-After: 120");
    assert_int_equal(head.answer.retry_after_seconds, 120);
    read_head("/", "Retry-After: 99999999");
    assert_int_equal(head.answer.retry_after_seconds, 86400);
    read_head("/", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT");
    assert_int_equal(head.answer.retry_after_seconds, 0);
    read_head("/", "Retry-After: Sun, 31 Dec 2090 23:59:59 GMT");
    assert_int_equal(head.answer.retry_after_seconds, 86400);
    read_head("/", "Retry-After: soon");
    assert_int_equal(head.answer.retry_after_seconds, -1);
}

static void a_redirect_says_where(void **state)
{
    (void)state;
    fm_door_head_init(&head, "/");
    fm_door_head_parse_line(&head, "HTTP/2 302\r\n", 12);
    fm_door_head_parse_line(&head, "location:  /x y \r\n", 18);
    assert_int_equal(head.answer.status, 302);
    assert_true(fm_door_head_is_redirect(&head));
    assert_string_equal(head.location.data, "/x y");
    fm_door_head_done(&head);
    fm_door_head_init(&head, "/");
    fm_door_head_parse_line(&head, "HTTP/1.1 302 Found\r\n", 20);
    assert_false(fm_door_head_is_redirect(&head));
    read_head("/", "Location: /x");
    assert_false(fm_door_head_is_redirect(&head));
}

static void an_etag_that_does_not_fit_is_none(void **state)
{
    (void)state;
    char line[300];
    snprintf(line, sizeof(line), "ETag: \"%0200d\"", 1);
    read_head("/", line);
    assert_string_equal(head.answer.etag, "");
    read_head("/",
              "ETag: W/\"x\"|Last-Modified: Fri, 31 Dec 1999 23:59:59 GMT|Accept-Ranges: none");
    assert_string_equal(head.answer.etag, "W/\"x\"");
    assert_string_equal(head.answer.last_modified, "Fri, 31 Dec 1999 23:59:59 GMT");
    assert_false(head.answer.accepts_ranges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_file_is_named_by_the_answer_else_by_the_path, forget),
        cmocka_unit_test_teardown(lengths_must_agree, forget),
        cmocka_unit_test_teardown(a_coded_or_chunked_body_has_no_length, forget),
        cmocka_unit_test_teardown(an_interim_answer_is_no_answer_and_trailers_change_nothing,
                                  forget),
        cmocka_unit_test_teardown(a_head_has_an_end, forget),
        cmocka_unit_test_teardown(retry_after_is_seconds_or_a_date, forget),
        cmocka_unit_test_teardown(a_redirect_says_where, forget),
        cmocka_unit_test_teardown(an_etag_that_does_not_fit_is_none, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
