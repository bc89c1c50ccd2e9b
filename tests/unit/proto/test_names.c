/* The lists keep their places, which are numbers at rest. */
#include "tests/unit/common/unit.h"

#include "common/memory.h"
#include "proto/formats.h"
#include "proto/names.h"

static size_t count_names(const char *const *names)
{
    size_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    return count;
}

static void each_list_has_a_name_a_row(void **state)
{
    (void)state;
    assert_int_equal(count_names(fm_names_format), FM_FORMAT_COUNT);
    assert_int_equal(count_names(fm_names_codec), FM_CODEC_COUNT);
    assert_int_equal(count_names(fm_names_preset), FM_PRESET_COUNT);
    assert_int_equal(count_names(fm_names_fit), FM_FIT_COUNT);
    assert_int_equal(count_names(fm_names_type), FM_TYPE_COUNT);
    assert_int_equal(count_names(fm_names_priority), FM_PRIORITY_COUNT);
    assert_int_equal(count_names(fm_names_quality), FM_QUALITY_COUNT);
    assert_int_equal(count_names(fm_names_stage), FM_STAGE_COUNT);
    assert_int_equal(count_names(fm_names_class), FM_CLASS_COUNT);
    assert_int_equal(count_names(fm_names_cancel_reason), FM_CANCEL_REASON_COUNT);
    assert_int_equal(count_names(fm_names_refusal), FM_REFUSAL_COUNT);
    assert_int_equal(count_names(fm_names_how), FM_HOW_COUNT);
}

static void numbers_at_rest_stand_for_good(void **state)
{
    (void)state;
    assert_string_equal(fm_names_format[1], "mp4");
    assert_string_equal(fm_names_codec[3], "h264");
    assert_string_equal(fm_names_type[1], "process");
    assert_string_equal(fm_names_priority[1], "normal");
    assert_string_equal(fm_names_quality[2], "720p");
    assert_string_equal(fm_names_how[3], "lost");
}

static void a_format_knows_its_muxer_and_codecs(void **state)
{
    (void)state;
    const struct fm_format_row *mp4 = fm_formats_row(FM_FORMAT_MP4);
    assert_string_equal(mp4->muxer, "mp4");
    assert_string_equal(mp4->content_type, "video/mp4");
    assert_int_equal(mp4->video, FM_CODEC_H264);
    assert_int_equal(mp4->audio, FM_CODEC_AAC);
    assert_int_equal(fm_formats_row(FM_FORMAT_MP3)->video, FM_CODEC_NONE);
    assert_string_equal(fm_formats_encoder(FM_CODEC_H264), "libx264");
    assert_string_equal(fm_formats_encoder(FM_CODEC_COPY), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_list_has_a_name_a_row),
        cmocka_unit_test(numbers_at_rest_stand_for_good),
        cmocka_unit_test(a_format_knows_its_muxer_and_codecs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
