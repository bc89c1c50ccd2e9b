/* POSTs in tables, for the tests of validate.c and check.c. */
#ifndef FM_TESTS_UNIT_BROKER_POSTS_H
#define FM_TESTS_UNIT_BROKER_POSTS_H

#include "tests/unit/common/unit.h"

#include "broker/db/reader.h"
#include "broker/spec/validate.h"
#include "common/scope.h"

#define JSON "application/json"
#define FORM "application/x-www-form-urlencoded"
#define NOW_MS INT64_C(1800000000000) /* 2027-01-15T08:00:00Z */
#define BOTH (FM_SCOPE_FETCH | FM_SCOPE_PROCESS)
#define URL "https://a.example/clip.mp4"

static struct fm_address_policy policy;

/* One POST; the arena lives until the test's end. */
struct post {
    enum fm_type type;
    const char *site, *query, *content_type, *body;
};

static enum fm_error_code validate(const struct post *post, unsigned scopes, struct fm_arena *arena,
                                   struct fm_validate_result *result, struct fm_error *err)
{
    struct fm_validate_input input = {
        .type = post->type,
        .site = post->site,
        .query = post->query != NULL ? post->query : "",
        .content_type = post->content_type,
        .body = fm_slice_of(post->body != NULL ? post->body : ""),
        .scopes = scopes,
        .policy = &policy,
        .now_ms = NOW_MS,
    };
    memset(err, 0, sizeof(*err));
    return fm_validate_spec(&input, arena, result, err) ? FM_NONE : err->code;
}

/* A POST, what becomes of it, which parameter is named, and a part of the message. */
struct row {
    struct post post;
    enum fm_error_code code;
    const char *param, *message;
};

static void run_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
        struct fm_validate_result result;
        struct fm_error err;
        enum fm_error_code code = validate(&rows[i].post, BOTH, &arena, &result, &err);
        if (code != rows[i].code) {
            print_error("row %zu: %s %s: %s\n", i, rows[i].post.query, rows[i].post.body,
                        fm_error_text(&err));
        }
        assert_int_equal(code, rows[i].code);
        if (rows[i].param != NULL) {
            assert_string_equal(err.param, rows[i].param);
        }
        if (rows[i].message != NULL && strstr(fm_error_text(&err), rows[i].message) == NULL) {
            fail_msg("row %zu: %s", i, fm_error_text(&err));
        }
    }
}

#endif
