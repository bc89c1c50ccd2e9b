/* What the walk before any reading refuses: everything a peer may declare and not keep. */
#include "tests/unit/common/unit.h"

#include "proto/pack.h"

#define HOSTILE(text) ((struct fm_slice){text, sizeof(text) - 1})

static struct fm_slice slice_of(const struct fm_text *text)
{
    return (struct fm_slice){text->data, text->length};
}

static void assert_unsound(struct fm_slice bytes)
{
    struct fm_error err = {0};
    assert_false(fm_pack_check(bytes, &err));
    assert_int_equal(err.code, FM_PROTOCOL);
    assert_false(fm_pack_check(bytes, NULL));
}

static void a_declared_length_must_fit_the_bytes_left(void **state)
{
    (void)state;
    assert_unsound(HOSTILE(""));
    assert_unsound(HOSTILE("\xdd\x00\xff\xff\xff"));
    assert_unsound(HOSTILE("\xdd\xff\xff\xff\xff"));
    assert_unsound(HOSTILE("\xdf\xff\xff\xff\xff"));
    assert_unsound(HOSTILE("\xdc\x00\x02\x01"));
    assert_unsound(HOSTILE("\xde\x00\x01\xa0"));
    assert_unsound(HOSTILE("\x81\xa1"));
    assert_unsound(HOSTILE("\xdb\xff\xff\xff\xff"
                           "a"));
    assert_unsound(HOSTILE("\xc6\x00\x00\x00\x02"
                           "a"));
    assert_unsound(HOSTILE("\xa2"
                           "a"));
    assert_unsound(HOSTILE("\xcf\x00\x00"));
    assert_unsound(HOSTILE("\xcb\x00"));
    assert_unsound(HOSTILE("\xd9"));
    assert_unsound(HOSTILE("\x92\x01"));
}

static void nothing_may_follow_the_value(void **state)
{
    (void)state;
    struct fm_error err = {0};
    assert_true(fm_pack_check(HOSTILE("\x80"), &err));
    assert_unsound(HOSTILE("\x80\x80"));
    assert_unsound(HOSTILE("\x01\0"));
}

static void keys_are_short_texts_and_stand_once(void **state)
{
    (void)state;
    struct fm_error err = {0};
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    assert_true(fm_pack_check(HOSTILE("\x82\xa1"
                                      "a\x01\xa1"
                                      "b\x01"),
                              &err));
    assert_unsound(HOSTILE("\x82\xa1"
                           "a\x01\xa1"
                           "a\x01"));
    assert_unsound(HOSTILE("\x82\xa1"
                           "a\x01\xd9\x01"
                           "a\x01"));
    assert_unsound(HOSTILE("\x81\x01\x01"));
    assert_unsound(HOSTILE("\x81\xc4\x01"
                           "a\x01"));
    fm_text_append_bytes(&bytes, "\x81\xd9\x41", 3);
    for (size_t i = 0; i < 65; i++) {
        fm_text_append_char(&bytes, 'k');
    }
    fm_text_append_char(&bytes, 1);
    assert_unsound(slice_of(&bytes));
}

static void a_map_of_more_than_64_pairs_is_refused(void **state)
{
    (void)state;
    struct fm_error err = {0};
    for (unsigned count = 64; count <= 65; count++) {
        FM_AUTO(fm_text_done) struct fm_text bytes = {0};
        fm_text_append_bytes(&bytes, "\xde\0", 2);
        fm_text_append_char(&bytes, (char)count);
        for (unsigned i = 0; i < count; i++) {
            fm_text_format(&bytes, "\xa2%02u%c", i, 1);
        }
        assert_int_equal(fm_pack_check(slice_of(&bytes), &err), count == 64);
    }
}

static void ext_types_and_the_unused_head_are_refused(void **state)
{
    (void)state;
    assert_unsound(HOSTILE("\xc1"));
    assert_unsound(HOSTILE("\xc7\x00\x01"));
    assert_unsound(HOSTILE("\xd4\x01\x01"));
    assert_unsound(HOSTILE("\xd6\xff\0\0\0\0"));
    assert_unsound(HOSTILE("\x91\xc7\x00\x01"));
}

static void eight_levels_are_the_depth(void **state)
{
    (void)state;
    struct fm_error err = {0};
    assert_true(fm_pack_check(HOSTILE("\x91\x91\x91\x91\x91\x91\x91\x91\x01"), &err));
    assert_true(fm_pack_check(HOSTILE("\x91\x91\x91\x91\x91\x91\x91\x90"), &err));
    assert_unsound(HOSTILE("\x91\x91\x91\x91\x91\x91\x91\x91\x90"));
    assert_unsound(HOSTILE("\x91\x91\x91\x91\x91\x91\x91\x91\x80"));
    FM_AUTO(fm_text_done) struct fm_text deep = {0};
    for (size_t i = 0; i < FM_PACK_LIMIT; i++) {
        fm_text_append_char(&deep, (char)0x91);
    }
    assert_unsound(slice_of(&deep));
}

static void a_value_above_64_kib_is_refused(void **state)
{
    (void)state;
    struct fm_error err = {0};
    FM_AUTO(fm_text_done) struct fm_text bytes = {0};
    fm_text_append_bytes(&bytes, "\xc6\0\0\xff\xfb", 5);
    while (bytes.length < FM_PACK_LIMIT) {
        fm_text_append_char(&bytes, 'x');
    }
    assert_true(fm_pack_check(slice_of(&bytes), &err));
    bytes.data[4] = (char)0xfc;
    fm_text_append_char(&bytes, 'x');
    assert_unsound(slice_of(&bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_declared_length_must_fit_the_bytes_left),
        cmocka_unit_test(nothing_may_follow_the_value),
        cmocka_unit_test(keys_are_short_texts_and_stand_once),
        cmocka_unit_test(a_map_of_more_than_64_pairs_is_refused),
        cmocka_unit_test(ext_types_and_the_unused_head_are_refused),
        cmocka_unit_test(eight_levels_are_the_depth),
        cmocka_unit_test(a_value_above_64_kib_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
