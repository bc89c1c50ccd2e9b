#include "tests/unit/common/unit.h"

#include "broker/api/routes.h"
#include "broker/http/range.h"

/* Finds the route of a path by way of the gate, as a request would. */
static enum fm_error_code find(const char *method, const char *path, const struct fm_route **route,
                               char *first, struct fm_text *allow)
{
    struct fm_http_header host = {fm_slice_of("Host"), fm_slice_of("a")};
    struct fm_gate_head head = {method, path, &host, 1, 1, true};
    struct fm_gate_target target;
    struct fm_arena arena = {0};
    struct fm_error err = {0};
    const char *values[FM_ROUTE_VALUES] = {0};
    assert_true(fm_gate_check(&head, "", "", &arena, &target, &err));
    bool is_found = fm_route_find(&fm_routes, method, &target, route, values, allow, &err);
    snprintf(first, 64, "%s", is_found && values[0] != NULL ? values[0] : "");
    fm_arena_done(&arena);
    return is_found ? FM_NONE : err.code;
}

static void a_method_and_a_path_find_their_row(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *name, *first;
    } rows[] = {
        {"POST", "/v1/videos", "fetch", ""},
        {"POST", "/v1/videos/", "fetch", ""},
        {"POST", "//v1/videos/tiktok", "fetch_site", "tiktok"},
        {"POST", "/v1/videos/process", "process", ""},
        {"GET", "/v1/jobs/job_x", "job", "job_x"},
        {"HEAD", "/v1/jobs/job_x", "job", "job_x"},
        {"POST", "/v1/jobs/job_x/cancel", "job_cancel", "job_x"},
        {"GET", "/v1/jobs/job_x/outputs/reel", "job_output", "job_x"},
        {"HEAD", "/v1/files/token/reel.mp4", "file", "token"},
        {"GET", "/v1/me", "me", ""},
        {"GET", "/healthz", "healthz", ""},
        {"GET", "/readyz", "readyz", ""},
        {"GET", "/openapi.json", "openapi", ""},
        {"PUT", "/store/acct_a/job_b/0c/reel", "store_put", "acct_a"},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        const struct fm_route *route = NULL;
        char first[64];
        FM_AUTO(fm_text_done) struct fm_text allow = {0};
        assert_int_equal(find(rows[i].method, rows[i].path, &route, first, &allow), FM_NONE);
        assert_string_equal(route->name, rows[i].name);
        assert_string_equal(first, rows[i].first);
    }
}

static void an_unknown_path_is_not_found(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/",
        "/v1",
        "/v1/job",
        "/V1/me",
        "/v1/me/x",
        "/v1//me",
        "/v1/jobs//cancel",
        "/healthz.",
        "/openapi.jsonx",
        "/store/a/b/c",
        "/a/b/c/d/e/f/g/h/i/j",
    };
    for (size_t i = 0; i < FM_COUNT(paths); i++) {
        const struct fm_route *route = NULL;
        char first[64];
        FM_AUTO(fm_text_done) struct fm_text allow = {0};
        assert_int_equal(find("GET", paths[i], &route, first, &allow), FM_NOT_FOUND);
        assert_int_equal(allow.length, 0);
    }
}

static void another_method_is_told_which_are_allowed(void **state)
{
    (void)state;
    const struct fm_route *route = NULL;
    char first[64];
    FM_AUTO(fm_text_done) struct fm_text get = {0};
    FM_AUTO(fm_text_done) struct fm_text post = {0};
    assert_int_equal(find("DELETE", "/v1/me", &route, first, &get), FM_METHOD_NOT_ALLOWED);
    assert_string_equal(get.data, "GET, HEAD, OPTIONS");
    assert_int_equal(find("get", "/v1/videos/process", &route, first, &post),
                     FM_METHOD_NOT_ALLOWED);
    assert_string_equal(post.data, "POST, OPTIONS");
}

static void one_range_is_cut_to_the_file(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        int64_t size;
        enum fm_range range;
        int64_t offset, length;
    } rows[] = {
        {NULL, 10, FM_RANGE_WHOLE, 0, 10},
        {"bytes=0-4", 10, FM_RANGE_PART, 0, 5},
        {"Bytes=5-", 10, FM_RANGE_PART, 5, 5},
        {"bytes=-3", 10, FM_RANGE_PART, 7, 3},
        {"bytes=-30", 10, FM_RANGE_PART, 0, 10},
        {"bytes=8-99", 10, FM_RANGE_PART, 8, 2},
        {"bytes=0-99999999999999999999", 10, FM_RANGE_PART, 0, 10},
        {"bytes=10-", 10, FM_RANGE_UNSATISFIABLE, 0, 10},
        {"bytes=99999999999999999999-", 10, FM_RANGE_UNSATISFIABLE, 0, 10},
        {"bytes=-0", 10, FM_RANGE_UNSATISFIABLE, 0, 10},
        {"bytes=0-0", 0, FM_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=4-2", 10, FM_RANGE_WHOLE, 0, 10},
        {"bytes=0-1,3-4", 10, FM_RANGE_WHOLE, 0, 10},
        {"bytes=-", 10, FM_RANGE_WHOLE, 0, 10},
        {"bytes=a-b", 10, FM_RANGE_WHOLE, 0, 10},
        {"items=0-1", 10, FM_RANGE_WHOLE, 0, 10},
    };
    for (size_t i = 0; i < FM_COUNT(rows); i++) {
        int64_t offset = -1, length = -1;
        assert_int_equal(fm_range_parse(rows[i].header, rows[i].size, &offset, &length),
                         rows[i].range);
        assert_int_equal(offset, rows[i].offset);
        assert_int_equal(length, rows[i].length);
    }
}

static void an_entity_tag_is_found_in_a_list(void **state)
{
    (void)state;
    assert_true(fm_range_tag_matches("\"a\"", "\"a\""));
    assert_true(fm_range_tag_matches("\"b\", W/\"a\"", "\"a\""));
    assert_true(fm_range_tag_matches("*", "\"a\""));
    assert_false(fm_range_tag_matches("\"ab\"", "\"a\""));
    assert_false(fm_range_tag_matches("", "\"a\""));
}

static void a_row_says_all_that_is_to_be_known_of_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < fm_routes.count; i++) {
        const struct fm_route *route = &fm_routes.rows[i];
        bool is_hidden = (route->flags & FM_ROUTE_HIDDEN) != 0;
        bool is_public = (route->flags & FM_ROUTE_PUBLIC) != 0;
        assert_true(fm_route_is_method(route->method));
        assert_non_null(route->act);
        assert_true(is_hidden || route->statuses[0].status != 0);
        assert_true(is_hidden || (route->reply == NULL) != (route->media == NULL));
        assert_true(route->body == NULL || route->body_limit > 0);
        assert_false(is_public && (route->scope != 0 || route->takes_login));
        for (size_t k = 0; route->errors[k] != FM_NONE; k++) {
            assert_true(fm_error_row(route->errors[k])->http_status >= 400);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_says_all_that_is_to_be_known_of_it),
        cmocka_unit_test(a_method_and_a_path_find_their_row),
        cmocka_unit_test(an_unknown_path_is_not_found),
        cmocka_unit_test(another_method_is_told_which_are_allowed),
        cmocka_unit_test(one_range_is_cut_to_the_file),
        cmocka_unit_test(an_entity_tag_is_found_in_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
