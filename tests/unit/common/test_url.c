#include "tests/unit/common/unit.h"

#include "common/memory.h"
#include "common/url.h"

static void check(const char *text, const char *expected)
{
    struct fm_error err = {0};
    FM_AUTO(fm_url_done) struct fm_url url = {0};
    if (!fm_url_parse(text, &url, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    assert_string_equal(url.text, expected);
}

static void urls_are_normalised(void **state)
{
    (void)state;
    check("http://Example.COM", "http://example.com/");
    check("HTTPS://example.com:443/A%2fb?x=1&y=%20#part", "https://example.com/A%2fb?x=1&y=%20");
    check("http://example.com:8080?q", "http://example.com:8080/?q");
    check("http://example.com:/", "http://example.com/");
    check("http://example.com/a b?c d", "http://example.com/a%20b?c%20d");
    check(" http://example.com/ \r\n", "http://example.com/");
    check("http://example.com./x", "http://example.com/x");
    check("http://localhost./", "http://localhost/");
    check("http://a_b.example/../x/./y", "http://a_b.example/../x/./y");
    check("https://www.tiktok.com/@user/video/123", "https://www.tiktok.com/@user/video/123");
    check("http://example.com/gr\xc3\xbc\xc3\x9f", "http://example.com/gr%C3%BC%C3%9F");
    check("http://ex%61mple.com/", "http://example.com/");
}

static void every_part_is_given(void **state)
{
    (void)state;
    FM_AUTO(fm_url_done) struct fm_url url = {0};
    assert_true(fm_url_parse("https://Host.example:8443/a/b?c=d#e", &url, NULL));
    assert_string_equal(url.origin, "https://host.example:8443");
    assert_string_equal(url.host, "host.example");
    assert_string_equal(url.path, "/a/b");
    assert_string_equal(url.query, "c=d");
    assert_int_equal(url.port, 8443);
    assert_true(url.is_https);
    assert_false(url.is_literal);
}

static void check_literal(const char *text, const char *host)
{
    struct fm_error err = {0};
    FM_AUTO(fm_url_done) struct fm_url url = {0};
    char formatted[FM_ADDRESS_TEXT_SIZE];
    if (!fm_url_parse(text, &url, &err)) {
        fail_msg("%s: %s", text, err.message);
    }
    assert_true(url.is_literal);
    assert_string_equal(url.host, host);
    fm_address_format(&url.address, formatted);
    assert_string_equal(formatted, host);
}

static void every_spelling_of_an_address_becomes_its_plain_one(void **state)
{
    (void)state;
    static const char *const loopbacks[] = {
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://0X7F.0.0.1/",
        "http://127.0.0.1./",
        "http://%31%32%37.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://127.0.1/",
        "http://[64:ff9b::7f00:1]/",
    };
    for (size_t i = 0; i < FM_COUNT(loopbacks); i++) {
        check_literal(loopbacks[i], "127.0.0.1");
    }
    check_literal("http://0/", "0.0.0.0");
    check_literal("http://[::1]:8080/", "::1");
    check_literal("http://[2001:DB8:0:0::1]/", "2001:db8::1");
    check("http://[::1]:8080/x", "http://[::1]:8080/x");
    check("http://0x7f.1:81/x", "http://127.0.0.1:81/x");
}

static const char *const no_safe_urls[] = {
    "",
    "example.com",
    "//example.com/",
    "/path",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript:alert(1)",
    "http:example.com",
    "http:/example.com",
    "http:///example.com",
    "http://",
    "http:///",
    "http://?x",
    "http://user@example.com/",
    "http://user:pass@example.com/",
    "http://@example.com/",
    "http://example.com@127.0.0.1/",
    "http://example.com\\@127.0.0.1/",
    "http://exam ple.com/",
    "ht tp://example.com/",
    "http:// example.com/",
    "http://example.com/\t/",
    "http://example.com/\r\nX: y",
    "http://example.com/\x7f",
    "http://exa\\mple.com/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:80a/",
    "http://example..com/",
    "http://.example.com/",
    "http://exa%00mple.com/",
    "http://exa%0ample.com/",
    "http://exa%2fmple.com/",
    "http://b\303\274cher.example/",
    "http://b%C3%BCcher.example/",
    "http://[fe80::1%25eth0]/",
    "http://[::1",
    "http://[::1]x/",
    "http://[::g]/",
    "http://[127.0.0.1]/",
    "http://1.2.3.4.5/",
    "http://256.256.256.256/",
    "http://08.1.1.1/",
    "http://example.1/",
    "http://4294967296/",
    "http://127.0.0.1../",
    "http://example.com;/",
    "http://exa!mple.com/",
};

static void what_is_no_safe_url_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < FM_COUNT(no_safe_urls); i++) {
        struct fm_url url = {0};
        struct fm_error err = {0};
        if (fm_url_parse(no_safe_urls[i], &url, &err)) {
            fail_msg("%s is taken for %s", no_safe_urls[i], url.text);
        }
        assert_int_equal(err.code, FM_INVALID_URL);
        assert_true(err.message[0] != '\0');
        assert_null(url.text);
    }
}

static void a_url_may_have_2048_bytes(void **state)
{
    (void)state;
    char text[2100];
    FM_AUTO(fm_url_done) struct fm_url url = {0};
    memset(text, 'a', sizeof(text));
    memcpy(text, "http://example.com/", 19);
    text[2048] = '\0';
    assert_true(fm_url_parse(text, &url, NULL));
    fm_url_done(&url);
    text[2048] = 'a';
    text[2049] = '\0';
    assert_false(fm_url_parse(text, &url, NULL));
    memset(text + 100, 0xfc, 1948);
    text[2048] = '\0';
    assert_false(fm_url_parse(text, &url, NULL));
}

static void check_join(const char *reference, const char *expected)
{
    FM_AUTO(fm_url_done) struct fm_url base = {0};
    FM_AUTO(fm_url_done) struct fm_url url = {0};
    assert_true(fm_url_parse("http://example.com/a/b?c", &base, NULL));
    bool joined = fm_url_join(&base, reference, &url, NULL);
    assert_int_equal(joined, expected != NULL);
    if (joined) {
        assert_string_equal(url.text, expected);
    }
}

static void references_are_joined_and_judged(void **state)
{
    (void)state;
    check_join("x", "http://example.com/a/x");
    check_join("/x y", "http://example.com/x%20y");
    check_join("?z", "http://example.com/a/b?z");
    check_join("//other.example/q", "http://other.example/q");
    check_join("https://other.example", "https://other.example/");
    check_join("http://0x7f.1/", "http://127.0.0.1/");
    check_join("file:///etc/passwd", NULL);
    check_join("ftp://example.com/", NULL);
    check_join("http://user@other.example/", NULL);
    check_join("//user@other.example/", NULL);
    check_join("http://other.example\\@127.0.0.1/", NULL);
}

static bool decodes(const char *text, bool plus, const char *expected)
{
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    return fm_url_decode(fm_slice_of(text), plus, &out) &&
           (expected == NULL || strcmp(fm_text_get(&out), expected) == 0);
}

static void percent_encoding_goes_there_and_back(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text out = {0};
    fm_url_encode(fm_slice_of("a/b c&\xc3\xbc~"), &out);
    assert_string_equal(out.data, "a%2Fb%20c%26%C3%BC~");
    assert_true(decodes("a%2Fb%20c%26%c3%bc~", false, "a/b c&\xc3\xbc~"));
    assert_true(decodes("a+b", true, "a b"));
    assert_true(decodes("a+b", false, "a+b"));
    assert_true(decodes("", false, ""));
    assert_false(decodes("%", false, NULL));
    assert_false(decodes("%2", false, NULL));
    assert_false(decodes("%zz", false, NULL));
    assert_false(decodes("a%00b", false, NULL));
}

static void check_listener(const char *listen, const char *expected)
{
    FM_AUTO_FREE char *url = fm_url_of_listener(listen);
    assert_string_equal(url, expected);
}

static void a_wildcard_is_called_by_loopback(void **state)
{
    (void)state;
    check_listener("192.0.2.7:8080", "http://192.0.2.7:8080");
    check_listener("[2001:db8::1]:80", "http://[2001:db8::1]:80");
    check_listener("0.0.0.0:8080", "http://127.0.0.1:8080");
    check_listener("[::]:8080", "http://127.0.0.1:8080");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_are_normalised),
        cmocka_unit_test(every_part_is_given),
        cmocka_unit_test(every_spelling_of_an_address_becomes_its_plain_one),
        cmocka_unit_test(what_is_no_safe_url_is_refused),
        cmocka_unit_test(a_url_may_have_2048_bytes),
        cmocka_unit_test(references_are_joined_and_judged),
        cmocka_unit_test(percent_encoding_goes_there_and_back),
        cmocka_unit_test(a_wildcard_is_called_by_loopback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
