/*
 * Any bytes as a URL and as lines of an operator's allow-list. A URL that was accepted reads the
 * same when read again, and a reference found in it is judged like any other; what the policy calls
 * never is refused whatever was allowed.
 */
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void require_sound(const struct fm_url *url)
{
    struct fm_url again = {0};
    struct fm_error err = {0};
    require(strlen(url->text) <= FM_URL_LIMIT && *url->path == '/' && url->port != 0);
    require(strncmp(url->text, url->is_https ? "https://" : "http://", url->is_https ? 8 : 7) == 0);
    require(strchr(url->host, '@') == NULL && strpbrk(url->text, "\\ \r\n\t") == NULL);
    require(fm_url_parse(url->text, &again, &err));
    require(strcmp(again.text, url->text) == 0 && strcmp(again.host, url->host) == 0);
    require(again.port == url->port && again.is_literal == url->is_literal);
    fm_url_done(&again);
}

static void read_url(const char *text)
{
    struct fm_url url = {0};
    struct fm_error err = {0};
    if (fm_url_parse(text, &url, &err)) {
        require_sound(&url);
        fm_url_done(&url);
    } else {
        require(err.code == FM_INVALID_URL);
    }
}

static void join_reference(const char *text)
{
    struct fm_url base = {0}, url = {0};
    struct fm_error err = {0};
    require(fm_url_parse("https://example.org/films/one.mp4?part=1", &base, &err));
    if (fm_url_join(&base, text, &url, &err)) {
        require_sound(&url);
        fm_url_done(&url);
    }
    fm_url_done(&base);
}

static void read_rules(const char *text)
{
    struct fm_address_policy policy = {0};
    struct fm_address metadata, local;
    struct fm_error err = {0};
    require(fm_address_parse("169.254.169.254", &metadata));
    require(fm_address_parse("10.1.2.3", &local));
    if (fm_address_rules_parse(text, &policy.allow, &policy.allow_count, &err)) {
        require(!fm_address_may_connect(&policy, &metadata, 80));
        require(policy.allow_count > 0 || !fm_address_may_connect(&policy, &local, 80));
    }
    fm_address_policy_done(&policy);
}

static void decode_and_encode(const char *text)
{
    FM_AUTO(fm_text_done) struct fm_text decoded = {0};
    FM_AUTO(fm_text_done) struct fm_text encoded = {0};
    FM_AUTO(fm_text_done) struct fm_text again = {0};
    if (fm_url_decode(fm_slice_of(text), true, &decoded)) {
        fm_url_encode((struct fm_slice){decoded.data, decoded.length}, &encoded);
        require(fm_url_decode((struct fm_slice){encoded.data, encoded.length}, false, &again));
        require(again.length == decoded.length);
        require(strcmp(fm_text_get(&again), fm_text_get(&decoded)) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FM_AUTO_FREE char *text = fm_strndup((const char *)data, size);
    read_url(text);
    join_reference(text);
    read_rules(text);
    decode_and_encode(text);
    return 0;
}
