#include "tests/unit/common/unit.h"

#include "broker/store/signed_url.h"
#include "common/memory.h"

static struct fm_secrets secrets = {.url_key_id = 1, .url_key = {1, 2, 3}};
static char origin[] = "http://127.0.0.1:8080";
static const struct fm_signed_url signed_url = {&secrets, origin, 3600, 900};

static struct fm_store_object object_of(const char *name)
{
    struct fm_store_object object = {.account = {{1}},
                                     .job = {{2}},
                                     .lease = 0x0123456789abcdef,
                                     .extension = "mp4",
                                     .size_bytes = 77};
    snprintf(object.name, sizeof object.name, "%s", name);
    memset(object.sha256, 0xab, sizeof object.sha256);
    return object;
}

/* The path behind /store/ and the query, cut apart in place. */
static char *put_url(int64_t now_s, char **query)
{
    struct fm_text url = {0};
    struct fm_store_object object = object_of("reel");
    fm_signed_url_store_put(&signed_url, &object, now_s, &url);
    char *text = fm_text_take(&url);
    assert_true(fm_text_starts(text, "http://127.0.0.1:8080/store/acct_"));
    char *path = fm_strdup(strstr(text, "/store/") + strlen("/store/"));
    fm_memory_release(&text);
    *query = strchr(path, '?');
    *(*query)++ = '\0';
    return path;
}

static void a_store_url_names_what_was_granted(void **state)
{
    (void)state;
    char *query;
    FM_AUTO_FREE char *path = put_url(1000, &query);
    struct fm_store_object got;
    struct fm_error err = {0};
    assert_true(fm_signed_url_store_check(&signed_url, path, query, 1899, &got, &err));
    assert_string_equal(got.name, "reel");
    assert_int_equal(got.size_bytes, 77);
    assert_true(got.lease == 0x0123456789abcdef);
    assert_int_equal(got.sha256[31], 0xab);
}

static void a_store_url_ends_after_its_life(void **state)
{
    (void)state;
    char *query;
    FM_AUTO_FREE char *path = put_url(1000, &query);
    struct fm_store_object got;
    struct fm_error err = {0};
    assert_false(fm_signed_url_store_check(&signed_url, path, query, 1901, &got, &err));
    assert_int_equal(err.code, FM_SIGNATURE_EXPIRED);
}

static void no_byte_of_a_store_url_may_change(void **state)
{
    (void)state;
    char *query;
    FM_AUTO_FREE char *path = put_url(1000, &query);
    char *parts[] = {path, query};
    for (size_t part = 0; part < 2; part++) {
        for (size_t i = 0; parts[part][i]; i++) {
            struct fm_store_object got;
            struct fm_error err = {0};
            char kept = parts[part][i];
            parts[part][i] = kept == '1' ? '2' : '1';
            assert_false(fm_signed_url_store_check(&signed_url, path, query, 1000, &got, &err));
            parts[part][i] = kept;
        }
    }
    struct fm_store_object got;
    struct fm_error err = {0};
    assert_true(fm_signed_url_store_check(&signed_url, path, query, 1000, &got, &err));
    assert_false(fm_signed_url_store_check(&signed_url, path, NULL, 1000, &got, &err));
    assert_false(
        fm_signed_url_store_check(&signed_url, "../../etc/passwd", query, 1000, &got, &err));
}

static char *client_path(int64_t now_s, char **name)
{
    struct fm_text text = {0};
    struct fm_store_object object = object_of("reel");
    fm_signed_url_client_path(&signed_url, &object, now_s, &text);
    char *path = fm_text_take(&text);
    assert_true(fm_text_starts(path, "/v1/files/"));
    memmove(path, path + strlen("/v1/files/"), strlen(path) - strlen("/v1/files/") + 1);
    *name = strchr(path, '/');
    *(*name)++ = '\0';
    return path;
}

static void a_client_url_stays_the_same_for_its_hour_and_lives_another(void **state)
{
    (void)state;
    char *name, *same_name, *other_name;
    FM_AUTO_FREE char *token = client_path(7200, &name);
    FM_AUTO_FREE char *same = client_path(10799, &same_name);
    FM_AUTO_FREE char *other = client_path(10800, &other_name);
    assert_string_equal(name, "reel.mp4");
    assert_string_equal(token, same);
    assert_string_not_equal(token, other);
    struct fm_store_object got;
    struct fm_error err = {0};
    assert_true(fm_signed_url_client_check(&signed_url, token, name, 14400, &got, &err));
    assert_string_equal(got.name, "reel");
    assert_string_equal(got.extension, "mp4");
    assert_false(fm_signed_url_client_check(&signed_url, token, name, 14401, &got, &err));
    assert_int_equal(err.code, FM_SIGNATURE_EXPIRED);
}

static void a_client_url_opens_no_other_file(void **state)
{
    (void)state;
    char *name;
    FM_AUTO_FREE char *token = client_path(7200, &name);
    struct fm_store_object got;
    struct fm_error err = {0};
    static const char *const others[] = {"cover.mp4",   "reel.mp3", "reel",
                                         "../reel.mp4", "",         ".reel.mp4"};
    for (size_t i = 0; i < FM_COUNT(others); i++) {
        assert_false(fm_signed_url_client_check(&signed_url, token, others[i], 7200, &got, &err));
    }
    token[5] = token[5] == 'A' ? 'B' : 'A';
    assert_false(fm_signed_url_client_check(&signed_url, token, name, 7200, &got, &err));
    assert_int_equal(err.code, FM_SIGNATURE_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_url_names_what_was_granted),
        cmocka_unit_test(a_store_url_ends_after_its_life),
        cmocka_unit_test(no_byte_of_a_store_url_may_change),
        cmocka_unit_test(a_client_url_stays_the_same_for_its_hour_and_lives_another),
        cmocka_unit_test(a_client_url_opens_no_other_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
