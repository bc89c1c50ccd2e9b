#include "tests/unit/common/unit.h"

#include <unistd.h>

#include "broker/config/allow.h"
#include "common/file.h"

static char setting[] = "10.0.0.0/8:9000";
static char path[64];

static void write_file(const char *text)
{
    struct fm_error err = {0};
    assert_true(fm_file_write(path, 0600, fm_slice_of(text), &err));
}

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/test_allow_%d", (int)getpid());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static bool may(const struct fm_broker_settings *settings, const char *text, uint16_t port)
{
    struct fm_address_policy policy;
    struct fm_address address;
    struct fm_error err = {0};
    assert_true(fm_allow_read(settings, &policy, &err));
    assert_true(fm_address_parse(text, &address));
    bool result = fm_address_may_connect(&policy, &address, port);
    fm_address_policy_done(&policy);
    return result;
}

static void a_file_that_is_not_there_allows_nothing_more(void **state)
{
    (void)state;
    struct fm_broker_settings settings = {.allow_private = setting, .allow_file = path};
    assert_true(may(&settings, "10.1.2.3", 9000));
    assert_false(may(&settings, "127.0.0.1", 9000));
}

static void the_file_is_read_anew_each_time(void **state)
{
    (void)state;
    struct fm_broker_settings settings = {.allow_private = setting, .allow_file = path};
    write_file("# the quickstart's clip\n127.0.0.1/32:9000 # and no other port\n\n");
    assert_true(may(&settings, "127.0.0.1", 9000));
    assert_false(may(&settings, "127.0.0.1", 9001));
    assert_int_equal(unlink(path), 0);
    assert_false(may(&settings, "127.0.0.1", 9000));
}

static void a_malformed_entry_allows_nothing(void **state)
{
    (void)state;
    struct fm_broker_settings settings = {.allow_private = setting, .allow_file = path};
    struct fm_address_policy policy;
    struct fm_error err = {0};
    write_file("127.0.0.1/33\n");
    assert_false(fm_allow_read(&settings, &policy, &err));
    assert_int_equal(err.code, FM_SETTING);
    assert_int_equal(policy.allow_count, 0);
}

static void no_words_of_a_malformed_list_travel(void **state)
{
    (void)state;
    struct fm_broker_settings settings = {.allow_private = setting, .allow_file = path};
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    FM_AUTO(fm_text_done) struct fm_text many = {0};
    const char *words[FM_ALLOW_LIMIT];
    size_t count = 1;
    struct fm_error err = {0};
    write_file("127.0.0.1/33\n");
    assert_false(fm_allow_words(&settings, &arena, words, &count, &err));
    assert_int_equal(count, 0);
    for (int i = 0; i < FM_ALLOW_LIMIT; i++) {
        fm_text_append(&many, "127.0.0.1/32:9000\n");
    }
    write_file(fm_text_get(&many));
    assert_false(fm_allow_words(&settings, &arena, words, &count, &err));
    assert_int_equal(err.code, FM_SETTING);
    assert_int_equal(count, 0);
}

static void our_own_listeners_stay_closed(void **state)
{
    (void)state;
    static char listen[] = "127.0.0.1:8080", link[] = "0.0.0.0:8081";
    struct fm_broker_settings settings = {
        .allow_private = setting, .allow_file = path, .listen = listen, .link_listen = link};
    write_file("127.0.0.0/8 127.0.0.0/8:8081");
    assert_false(may(&settings, "127.0.0.1", 8080));
    assert_false(may(&settings, "127.0.0.2", 8081));
    assert_true(may(&settings, "127.0.0.1", 8443));
}

static void the_words_travel_as_they_stand(void **state)
{
    (void)state;
    struct fm_broker_settings settings = {.allow_private = setting, .allow_file = path};
    FM_AUTO(fm_arena_done) struct fm_arena arena = {0};
    const char *words[FM_ALLOW_LIMIT];
    size_t count = 0;
    struct fm_error err = {0};
    write_file("127.0.0.1/32:9000, [fd00::/8]:80 # two\n192.168.0.0/16");
    assert_true(fm_allow_words(&settings, &arena, words, &count, &err));
    assert_int_equal(count, 4);
    assert_string_equal(words[0], "10.0.0.0/8:9000");
    assert_string_equal(words[1], "127.0.0.1/32:9000");
    assert_string_equal(words[2], "[fd00::/8]:80");
    assert_string_equal(words[3], "192.168.0.0/16");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there_allows_nothing_more, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_file_is_read_anew_each_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_malformed_entry_allows_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_words_of_a_malformed_list_travel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(our_own_listeners_stay_closed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_words_travel_as_they_stand, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
