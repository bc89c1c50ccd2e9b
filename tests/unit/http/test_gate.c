#include "tests/unit/common/unit.h"

#include "broker/http/gate.h"

/* One head and what becomes of it. Fields are "Name: value" lines, cut at the first ": ". */
struct row {
    const char *target;
    const char *fields[6];
    enum fm_error_code code;
};

static size_t split_fields(const char *const *lines, struct fm_http_header *headers)
{
    size_t count = 0;
    for (; lines[count] != NULL; count++) {
        const char *colon = strchr(lines[count], ':');
        assert_non_null(colon);
        headers[count].name = (struct fm_slice){lines[count], (size_t)(colon - lines[count])};
        headers[count].value = fm_slice_of(colon + 1 + strspn(colon + 1, " "));
    }
    return count;
}

static enum fm_error_code check(const struct row *row, const char *hosts, struct fm_arena *arena,
                                struct fm_gate_target *target)
{
    struct fm_http_header headers[8];
    struct fm_gate_head head = {.method = "GET", .target = row->target, .is_whole = true};
    struct fm_error err = {0};
    head.count = split_fields(row->fields, headers);
    head.total = head.count;
    head.headers = headers;
    return fm_gate_check(&head, hosts, "https://media.example.org", arena, target, &err) ? FM_NONE
                                                                                         : err.code;
}

static void run_rows(const struct row *rows, size_t count, const char *hosts)
{
    for (size_t i = 0; i < count; i++) {
        struct fm_arena arena = {0};
        struct fm_gate_target target;
        enum fm_error_code code = check(&rows[i], hosts, &arena, &target);
        if (code != rows[i].code) {
            print_error("row %zu: %s\n", i, rows[i].target);
        }
        assert_int_equal(code, rows[i].code);
        fm_arena_done(&arena);
    }
}

static void framing_that_two_readers_could_read_differently_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/", {"Host: a"}, FM_NONE},
        {"/", {"Host: a", "Content-Length: 5"}, FM_NONE},
        {"/", {"Host: a", "Transfer-Encoding: chunked"}, FM_NONE},
        {"/", {"Host: a", "transfer-encoding: Chunked"}, FM_NONE},
        {"/", {"Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"}, FM_INVALID_REQUEST},
        {"/", {"Host: a", "Content-Length: 5", "Content-Length: 5"}, FM_INVALID_REQUEST},
        {"/", {"Host: a", "Content-Length: 5, 5"}, FM_INVALID_REQUEST},
        {"/", {"Host: a", "Content-Length: +5"}, FM_INVALID_REQUEST},
        {"/", {"Host: a", "Content-Length: "}, FM_INVALID_REQUEST},
        {"/", {"Host: a", "Content-Length: 18446744073709551616"}, FM_INVALID_REQUEST},
        {"/", {"Host: a", "Transfer-Encoding: gzip, chunked"}, FM_INVALID_REQUEST},
        {"/",
         {"Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"},
         FM_INVALID_REQUEST},
        {"/", {"Host: a", "Transfer-Encoding: identity"}, FM_NOT_IMPLEMENTED},
        {"/", {"Host: a", "Content-Length : 5"}, FM_INVALID_REQUEST},
        {"/", {"Host: a", ": 5"}, FM_INVALID_REQUEST},
        {"/", {"Host: a", "X-A: b\x01"}, FM_INVALID_REQUEST},
        {"/", {"Host: a", "X-A: b\tc"}, FM_NONE},
    };
    run_rows(rows, FM_COUNT(rows), "");
}

static void there_is_one_host_and_at_most_one_authorization(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/", {NULL}, FM_INVALID_REQUEST},
        {"/", {"Host: a", "Host: a"}, FM_INVALID_REQUEST},
        {"/", {"Host: "}, FM_INVALID_REQUEST},
        {"/", {"Host: a b"}, FM_INVALID_REQUEST},
        {"/", {"Host: [::1]:8080"}, FM_NONE},
        {"/", {"Host: a", "Authorization: x", "Authorization: x"}, FM_INVALID_REQUEST},
        {"http://a/v1/me", {"Host: A"}, FM_NONE},
        {"http://b/v1/me", {"Host: a"}, FM_MISDIRECTED_REQUEST},
        {"ftp://a/v1/me", {"Host: a"}, FM_INVALID_REQUEST},
        {"*", {"Host: a"}, FM_INVALID_REQUEST},
    };
    run_rows(rows, FM_COUNT(rows), "");
}

static void with_hosts_set_other_names_are_misdirected(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/", {"Host: api.example.org:8080"}, FM_NONE},
        {"/", {"Host: Media.Example.Org"}, FM_NONE},
        {"/", {"Host: 127.0.0.1:8080"}, FM_NONE},
        {"/", {"Host: [::1]:8080"}, FM_NONE},
        {"/", {"Host: evil.example"}, FM_MISDIRECTED_REQUEST},
        {"/", {"Host: localhost"}, FM_MISDIRECTED_REQUEST},
    };
    run_rows(rows, FM_COUNT(rows), "api.example.org, other.example.org");
}

static void bytes_of_the_path_that_hide_something_are_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"/a%00b", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a%2fb", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a%2Fb", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a%5cb", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a\\b", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a%zz", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a%2", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a%0ab", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a b", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a?b=%zz", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a?b=%00", {"Host: a"}, FM_INVALID_REQUEST},
        {"/../a", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a/./b", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a/%2e%2e", {"Host: a"}, FM_INVALID_REQUEST},
        {"/a?b=%2f%2e", {"Host: a"}, FM_NONE},
        {"/a%20b", {"Host: a"}, FM_NONE},
    };
    run_rows(rows, FM_COUNT(rows), "");
}

static void a_head_that_is_too_large_is_refused(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text target = {0};
    FM_AUTO(fm_text_done) struct fm_text field = {0};
    struct fm_arena arena = {0};
    struct fm_gate_target out;
    for (size_t i = 0; i < FM_GATE_HEADERS_LIMIT; i++) {
        fm_text_append_char(&field, 'a');
    }
    fm_text_append_char(&target, '/');
    for (size_t i = 0; i < FM_GATE_TARGET_LIMIT; i++) {
        fm_text_append_char(&target, 'a');
    }
    struct row row = {fm_text_get(&target), {"Host: a"}, FM_URI_TOO_LONG};
    assert_int_equal(check(&row, "", &arena, &out), FM_URI_TOO_LONG);
    struct fm_http_header header = {fm_slice_of("X"), {field.data, field.length}};
    struct fm_gate_head head = {"GET", "/", &header, 1, 1, true};
    struct fm_error err = {0};
    assert_false(fm_gate_check(&head, "", "", &arena, &out, &err));
    assert_int_equal(err.code, FM_HEADERS_TOO_LARGE);
    header.value.length = 1;
    head.total = FM_GATE_FIELDS_LIMIT + 1;
    assert_false(fm_gate_check(&head, "", "", &arena, &out, &err));
    assert_int_equal(err.code, FM_HEADERS_TOO_LARGE);
    fm_arena_done(&arena);
}

static void a_head_that_hides_bytes_is_refused(void **state)
{
    (void)state;
    struct fm_http_header header = {fm_slice_of("Host"), fm_slice_of("a")};
    struct fm_gate_head head = {"GET", "/", &header, 1, 1, false};
    struct fm_arena arena = {0};
    struct fm_gate_target target;
    struct fm_error err = {0};
    assert_false(fm_gate_check(&head, "", "", &arena, &target, &err));
    assert_int_equal(err.code, FM_INVALID_REQUEST);
    fm_arena_done(&arena);
}

static void the_path_is_decoded_once_and_one_slash_too_many_is_forgiven(void **state)
{
    (void)state;
    static const struct {
        const char *target;
        size_t count;
        const char *first, *query;
    } rows[] = {
        {"/", 0, NULL, ""},
        {"/v1/me", 2, "v1", ""},
        {"//v1/me/", 2, "v1", ""},
        {"///v1/me", 3, "", ""},
        {"/v1//me", 3, "v1", ""},
        {"/v1/me//", 3, "v1", ""},
        {"/%76%31/me", 2, "v1", ""},
        {"/v1%2531", 1, "v1%31", ""},
        {"/v1?a=%2f&b", 1, "v1", "a=%2f&b"},
        {"http://a?x=1", 0, NULL, "x=1"},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        struct fm_arena arena = {0};
        struct fm_gate_target target;
        struct row row = {rows[i].target, {"Host: a"}, FM_NONE};
        assert_int_equal(check(&row, "", &arena, &target), FM_NONE);
        assert_int_equal(target.segment_count, rows[i].count);
        assert_string_equal(target.query, rows[i].query);
        if (rows[i].first != NULL) {
            assert_string_equal(target.segments[0], rows[i].first);
        }
        fm_arena_done(&arena);
    }
}

static void a_request_id_is_short_and_plain(void **state)
{
    (void)state;
    assert_true(fm_gate_is_request_id("req-1.2:3_x"));
    assert_false(fm_gate_is_request_id(""));
    assert_false(fm_gate_is_request_id("a b"));
    assert_false(fm_gate_is_request_id("a\"b"));
    assert_false(
        fm_gate_is_request_id("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(framing_that_two_readers_could_read_differently_is_refused),
        cmocka_unit_test(there_is_one_host_and_at_most_one_authorization),
        cmocka_unit_test(with_hosts_set_other_names_are_misdirected),
        cmocka_unit_test(bytes_of_the_path_that_hide_something_are_refused),
        cmocka_unit_test(a_head_that_is_too_large_is_refused),
        cmocka_unit_test(a_head_that_hides_bytes_is_refused),
        cmocka_unit_test(the_path_is_decoded_once_and_one_slash_too_many_is_forgiven),
        cmocka_unit_test(a_request_id_is_short_and_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
