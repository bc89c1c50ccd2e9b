/* The sizes of pictures in their boxes, for each way to fit. */
#include "worker/media/fit.h"

#include "tests/unit/media/fixture.h"

static struct fm_fit_size fit(struct fm_fit_ask ask)
{
    struct fm_fit_size size = {0};
    struct fm_error err = {0};
    ask.step = ask.step ? ask.step : 2;
    ask.aspect = ask.aspect.num ? ask.aspect : (AVRational){1, 1};
    assert_true(fm_fit_size(&ask, &size, &err));
    return size;
}

static void assert_size(struct fm_fit_size size, int width, int height)
{
    assert_int_equal(size.width, width);
    assert_int_equal(size.height, height);
}

static void assert_scaled(struct fm_fit_size size, int width, int height)
{
    assert_int_equal(size.scaled_width, width);
    assert_int_equal(size.scaled_height, height);
}

/* Members of struct fm_fit_ask. */
#define OF(w, h) .width = w, .height = h
#define BOX(w, h) .box_width = w, .box_height = h

static void a_picture_is_contained_in_its_box(void **state)
{
    (void)state;
    assert_size(fit((struct fm_fit_ask){OF(1280, 720), BOX(0, 480)}), 854, 480);
    assert_size(fit((struct fm_fit_ask){OF(1280, 720), BOX(640, 0)}), 640, 360);
    assert_size(fit((struct fm_fit_ask){OF(1280, 720), BOX(640, 640)}), 640, 360);
    assert_size(fit((struct fm_fit_ask){OF(720, 1280), BOX(640, 640)}), 360, 640);
    assert_size(fit((struct fm_fit_ask){OF(1280, 720), BOX(0, 481)}), 854, 480);
    assert_scaled(fit((struct fm_fit_ask){OF(1280, 720), BOX(640, 640)}), 640, 360);
}

static void a_picture_is_never_enlarged_to_be_contained(void **state)
{
    (void)state;
    assert_size(fit((struct fm_fit_ask){OF(320, 240), BOX(1920, 1080)}), 320, 240);
    assert_size(fit((struct fm_fit_ask){OF(641, 361), BOX(0, 0)}), 640, 360);
}

static void pixels_become_square_where_the_box_takes_effect(void **state)
{
    (void)state;
    AVRational wide = {16, 11};
    struct fm_fit_size size = fit((struct fm_fit_ask){OF(720, 576), BOX(0, 288), .aspect = wide});
    assert_true(size.square);
    assert_size(size, 524, 288);
    size = fit((struct fm_fit_ask){OF(720, 576), BOX(0, 576), .aspect = wide});
    assert_false(size.square);
    assert_size(size, 720, 576);
}

static void a_line_of_pixels_still_has_a_size(void **state)
{
    (void)state;
    assert_size(fit((struct fm_fit_ask){OF(4000, 1), BOX(100, 100)}), 100, 2);
}

static void a_box_is_covered_and_the_middle_kept(void **state)
{
    (void)state;
    struct fm_fit_ask ask = {.fit = FM_FIT_COVER, OF(1280, 720), BOX(1080, 1920)};
    struct fm_fit_size size = fit(ask);
    assert_size(size, 1080, 1920);
    assert_scaled(size, 3414, 1920);
    size = fit((struct fm_fit_ask){.fit = FM_FIT_COVER, OF(320, 240), BOX(160, 40)});
    assert_size(size, 160, 40);
    assert_scaled(size, 160, 120);
}

static void a_picture_is_padded_to_its_box(void **state)
{
    (void)state;
    struct fm_fit_size size =
        fit((struct fm_fit_ask){.fit = FM_FIT_PAD, OF(1280, 720), BOX(1080, 1920)});
    assert_size(size, 1080, 1920);
    assert_scaled(size, 1080, 608);
    size = fit((struct fm_fit_ask){.fit = FM_FIT_PAD, OF(32, 24), BOX(64, 64)});
    assert_scaled(size, 64, 48);
}

static void a_box_is_filled_by_what_is_displayed(void **state)
{
    (void)state;
    AVRational anamorphic = {64, 45};
    struct fm_fit_ask ask = {OF(720, 576), BOX(1024, 576), .aspect = anamorphic};
    ask.fit = FM_FIT_COVER;
    assert_scaled(fit(ask), 1024, 576);
    ask.fit = FM_FIT_PAD;
    assert_scaled(fit(ask), 1024, 576);
    assert_true(fit(ask).square);
}

static void odd_boxes_are_made_even(void **state)
{
    (void)state;
    struct fm_fit_ask ask = {.fit = FM_FIT_COVER, OF(320, 240), BOX(101, 77)};
    assert_size(fit(ask), 100, 76);
    ask.fit = FM_FIT_PAD;
    assert_size(fit(ask), 100, 76);
    ask.step = 1;
    assert_size(fit(ask), 101, 77);
    assert_size(fit((struct fm_fit_ask){.fit = FM_FIT_PAD, OF(320, 240), BOX(1, 1)}), 2, 2);
}

static void no_box_is_covered_at_any_price(void **state)
{
    (void)state;
    struct fm_fit_ask ask = {.fit = FM_FIT_COVER, OF(8000, 2), BOX(1080, 1920), .step = 2};
    struct fm_fit_size size = {0};
    struct fm_error err = {0};
    assert_false(fm_fit_size(&ask, &size, &err));
    assert_int_equal(err.code, FM_MEDIA_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_is_contained_in_its_box),
        cmocka_unit_test(a_picture_is_never_enlarged_to_be_contained),
        cmocka_unit_test(pixels_become_square_where_the_box_takes_effect),
        cmocka_unit_test(a_line_of_pixels_still_has_a_size),
        cmocka_unit_test(a_box_is_covered_and_the_middle_kept),
        cmocka_unit_test(a_picture_is_padded_to_its_box),
        cmocka_unit_test(a_box_is_filled_by_what_is_displayed),
        cmocka_unit_test(odd_boxes_are_made_even),
        cmocka_unit_test(no_box_is_covered_at_any_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
