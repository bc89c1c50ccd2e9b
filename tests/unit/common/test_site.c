#include "tests/unit/common/unit.h"

#include "common/memory.h"
#include "common/site.h"
#include "common/state.h"

static void a_host_belongs_to_its_site_and_so_does_every_name_below(void **state)
{
    (void)state;
    assert_int_equal(fm_site_of_host("tiktok.com"), FM_SITE_TIKTOK);
    assert_int_equal(fm_site_of_host("www.tiktok.com"), FM_SITE_TIKTOK);
    assert_int_equal(fm_site_of_host("youtu.be"), FM_SITE_YOUTUBE);
    assert_int_equal(fm_site_of_host("t.co"), FM_SITE_X);
    assert_true(fm_site_has_host(FM_SITE_TIKTOK, "vm.tiktok.com"));
    assert_true(fm_site_has_host(FM_SITE_URL, "anything.example"));
}

static void a_lookalike_host_belongs_to_no_site(void **state)
{
    (void)state;
    assert_int_equal(fm_site_of_host("nottiktok.com"), FM_SITE_URL);
    assert_int_equal(fm_site_of_host("tiktok.com.evil.example"), FM_SITE_URL);
    assert_int_equal(fm_site_of_host("com"), FM_SITE_URL);
    assert_int_equal(fm_site_of_host(""), FM_SITE_URL);
    assert_false(fm_site_has_host(FM_SITE_TIKTOK, "xtiktok.com"));
    assert_false(fm_site_has_host(FM_SITE_TIKTOK, "youtube.com"));
}

static void sites_are_found_by_name(void **state)
{
    (void)state;
    enum fm_site site = FM_SITE_URL;
    assert_true(fm_site_by_name("vimeo", &site));
    assert_int_equal(site, FM_SITE_VIMEO);
    assert_string_equal(fm_site_name(site), "vimeo");
    assert_false(fm_site_by_name("Vimeo", &site));
    assert_false(fm_site_by_name("", &site));
}

static void the_list_of_names_ends_with_url(void **state)
{
    (void)state;
    FM_AUTO(fm_text_done) struct fm_text text = {0};
    fm_site_names(&text);
    assert_true(fm_text_starts(text.data, "tiktok, instagram, youtube, x, "));
    assert_non_null(strstr(text.data, "streamable and url"));
}

static void states_know_their_names_and_which_are_ends(void **state)
{
    (void)state;
    assert_string_equal(fm_state_name(FM_STATE_QUEUED), "queued");
    assert_string_equal(fm_state_name(FM_STATE_CANCELED), "canceled");
    assert_false(fm_state_is_ended(FM_STATE_RUNNING));
    assert_true(fm_state_is_ended(FM_STATE_FAILED));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_belongs_to_its_site_and_so_does_every_name_below),
        cmocka_unit_test(a_lookalike_host_belongs_to_no_site),
        cmocka_unit_test(sites_are_found_by_name),
        cmocka_unit_test(the_list_of_names_ends_with_url),
        cmocka_unit_test(states_know_their_names_and_which_are_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
